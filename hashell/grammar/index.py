"""Every command: level, name and module, below it its summary; written by python -m hashell.generate."""

from __future__ import annotations

from typing import Final


ROWS: Final = r"""
- demo hashell.commands.demo
  Try a cluster of three nodes on this machine, without root.
- events hashell.commands.watching
  Show what happened last: commits, and who may vote or left; newest last.
- mon hashell.commands.watching
  Show the cluster on a full screen that follows it, with keys to act.
- report hashell.commands.report
  Write an archive for whoever helps: configuration, state, history, log, versions; secrets are masked.
- simulate hashell.commands.simulate
  Show what the cluster would do now, or if something had happened; nothing is changed.
- status hashell.commands.status
  Show the cluster at a glance: what is wrong first, then nodes, then resources.
- verify hashell.commands.root
  Check the whole configuration, as `configure verify` does; with `scores`, print the placement scores too.
- version hashell.commands.root
  Show the versions of the shell and, if one answers, of its daemon.
resource ban hashell.commands.moving
  Forbid a resource on a node (by default where it runs), until `resource clear`, or for a time (`for 30min`).
resource cleanup hashell.commands.resource
  Forget failures, and look again where resources run.
resource clear hashell.commands.moving
  Remove the constraints that `move` and `ban` left behind.
resource constraints hashell.commands.resource
  List the constraints that concern a resource, also through its groups and clones.
resource demote hashell.commands.resource
  Let a promotable clone have no promoted instance.
resource failcount hashell.commands.resource
  Show, set or forget how often a resource failed, node by node.
resource locate hashell.commands.resource
  Print where resources run.
resource maintenance hashell.commands.resource
  Switch a resource's maintenance on (by default) or off: it is not started, stopped or monitored.
resource manage hashell.commands.resource
  Let the cluster start, stop and monitor resources again.
resource meta hashell.commands.tuning
  Set, delete or show a meta attribute of a resource.
resource move hashell.commands.moving
  Move a resource to a node, or (without a node) away from where it runs.
resource operations hashell.commands.resource
  Show the newest result of each operation of a resource.
resource param hashell.commands.tuning
  Set, delete or show an instance parameter of a resource; a changed parameter restarts it.
resource promote hashell.commands.resource
  Let a promotable clone have promoted instances.
resource restart hashell.commands.resource
  Stop a resource, wait until it is stopped, and start it again.
resource scores hashell.commands.tuning
  Show what every node is worth to resources; `resource why` says how each score is made up.
resource secret hashell.commands.stashing
  Keep a parameter's value outside of the configuration: the parameter becomes secret:RESOURCE-NAME.
resource start hashell.commands.resource
  Start resources by setting their target-role; members that were stopped by themselves start too.
resource status hashell.commands.resource
  Show resources with their role, nodes and failures.
resource stop hashell.commands.resource
  Stop resources, and keep them stopped until `resource start`.
resource trace hashell.commands.tuning
  Have an agent written in shell log every step of an operation (by default of start, monitor and stop).
resource unmanage hashell.commands.resource
  Leave resources as they are: they are not started or stopped.
resource untrace hashell.commands.tuning
  End the tracing of an agent's operations; those that were there for it alone go.
resource utilization hashell.commands.tuning
  Set, delete or show what a primitive needs of its node's capacities.
resource why hashell.commands.resource
  Say why a resource is where it is, or why it is not on a node: score by score.
node attribute hashell.commands.node
  Set, delete or show a permanent attribute of a node.
node clearstate hashell.commands.node
  Vouch that a lost node is off, so that its resources are taken over: `node fence NODE --confirm`.
node delete hashell.commands.membership
  Take a node that has left, or is off, out of the cluster for good: `cluster remove`.
node fence hashell.commands.node
  Have a node fenced: it is powered off or restarted, whatever it runs.
node fence-history hashell.commands.node
  Show how the last fencings ended: who fenced whom, with which device, what came of it, how long it took.
node maintenance hashell.commands.node
  Leave everything on nodes as it is: nothing is started, stopped or monitored there.
node online hashell.commands.node
  End the standby of nodes: they may run resources again.
node ready hashell.commands.node
  End the maintenance of nodes.
node server hashell.commands.membership
  Print the addresses of nodes: those in this machine's hashelld.toml, and of remote nodes their server.
node show hashell.commands.node
  Show nodes with their state and attributes.
node standby hashell.commands.node
  Let nodes run nothing: what runs there is moved away, or stopped.
node status-attr hashell.commands.node
  Set, delete or show a transient attribute of a node: it is gone when the node's daemon ends.
node utilization hashell.commands.node
  Set, delete or show a capacity of a node: what resources with utilization may use of it.
configure acl_group hashell.commands.statements
  Give a group of users roles.
configure acl_target hashell.commands.statements
  Give a user roles.
configure alert hashell.commands.statements
  Have a program called when something happens in the cluster.
configure apply hashell.commands.declaring
  Make the configuration be as a file says, and tell for each object whether that changed anything.
configure bundle hashell.commands.statements
  Run a primitive in containers: their image, network and storage are part of it.
configure clone hashell.commands.statements
  Run copies of a primitive or group on several nodes.
configure colocation hashell.commands.statements
  Keep a resource (the first) where another one is, or (negative score) away from it.
configure commit hashell.commands.configure
  Make the draft the cluster's configuration.
configure default-timeouts hashell.commands.agentwork
  Give operations of primitives the timeouts that their agents advise, where they have none of their own.
configure delete hashell.commands.editing
  Delete objects; a resource that runs is stopped by the cluster first.
configure diff hashell.commands.configure
  Print what the draft changes, as a diff.
configure edit hashell.commands.editing
  Edit the configuration, or a selection of it, as text (or `xml`) in $EDITOR; what is wrong is shown there.
configure erase hashell.commands.editing
  Delete the whole configuration but nodes and cluster properties; with --nodes also what is set for nodes.
configure fencing_topology hashell.commands.statements
  Say which fencing devices are tried for a node, level after level; devices joined by commas act together.
configure filter hashell.commands.declaring
  Send the configuration (or a selection of it, or `xml`) through a program, and take what it makes of it.
configure get-property hashell.commands.declaring
  Print the values of cluster properties: what is set, or else what holds by default.
configure graph hashell.commands.configure
  Show who is with whom, who waits for whom, and who prefers which node: as text, or drawn in a file.
configure group hashell.commands.statements
  Put primitives into a group: on one node, started in order, stopped in reverse order.
configure load hashell.commands.transfer
  Read a file (- is standard input) in the configure language or as CIB XML.
configure location hashell.commands.statements
  Prefer or avoid a node for a resource, by a score; inf and -inf are absolute.
configure merge hashell.commands.declaring
  Carry the draft over to the configuration that others committed meanwhile.
configure modgroup hashell.commands.editing
  Add primitives to a group (at its end, or `before MEMBER`, `after MEMBER`), or remove them from it.
configure monitor hashell.commands.statements
  Add a recurring monitor to a primitive.
configure ms hashell.commands.statements
  Define a promotable clone: `clone` with meta promotable=true, in crmsh's older spelling.
configure node hashell.commands.statements
  Describe a node: its attributes and capacities.
configure op_defaults hashell.commands.statements
  Set defaults of operations; without any, list them all with their values.
configure order hashell.commands.statements
  Let one resource start before another; they stop in reverse order.
configure preview hashell.commands.configure
  Show what the cluster would do if the draft were committed, and why; nothing is changed.
configure primitive hashell.commands.statements
  Define a resource that an agent starts, stops and monitors.
configure promotable hashell.commands.statements
  Define a promotable clone: `clone` with meta promotable=true.
configure property hashell.commands.statements
  Set cluster properties; without any, list them all with their values.
configure redo hashell.commands.editing
  Do again what was undone.
configure refresh hashell.commands.editing
  Drop the draft, and begin again from the cluster's configuration.
configure rename hashell.commands.editing
  Give an object another id, wherever it is named; a running resource is stopped and started by its new name.
configure resume hashell.commands.declaring
  Go on with the draft that was left without a commit, here or by another shell of yours.
configure role hashell.commands.statements
  Define a role: what its holders may read and write of the configuration.
configure rsc_defaults hashell.commands.statements
  Set defaults of meta attributes; without any, list them all with their values.
configure rsc_template hashell.commands.statements
  Define settings that several primitives share; a primitive takes them with @TEMPLATE.
configure rsc_ticket hashell.commands.statements
  Let a resource run only where the cluster holds a ticket.
configure rsctest hashell.commands.agentwork
  Try primitives on this machine, outside the cluster: monitor, start, monitor, stop, monitor.
configure save hashell.commands.transfer
  Write the configuration, or a selection of it, into a file; - is standard output.
configure set hashell.commands.editing
  Change one value by its path: RESOURCE.NAME, RESOURCE.params.NAME, RESOURCE.OPERATION.[INTERVAL.]OPTION.
configure show hashell.commands.configure
  Print the configuration, or a selection of it, in the configure language or (xml) as CIB XML.
configure tag hashell.commands.statements
  Give several objects a common name, for constraints and for `show tag:NAME`.
configure undo hashell.commands.editing
  Take back the last change of the draft.
configure ungroup hashell.commands.editing
  Dissolve groups: their members stay, each by itself. What names a group refuses it, as with `delete`.
configure unset hashell.commands.editing
  Remove one value by its path: what holds by default holds again.
configure upgrade hashell.commands.declaring
  Write older spellings as they are written today: ms, Master and Slave, names and places of options.
configure validate-all hashell.commands.agentwork
  Let the agents of primitives check their parameters, on this machine.
configure verify hashell.commands.configure
  Check the whole configuration: references, options, times, and what the agents object to.
configure xml hashell.commands.statements
  Add objects that are written as Pacemaker's XML.
cluster add hashell.commands.electorate
  Name one more node in the hashelld.toml of this machine, and tell what else a running cluster needs to get it.
cluster copy hashell.commands.machines
  Copy a file of this machine to the same place on other nodes (by default all), by scp.
cluster crash-test hashell.commands.crash_test
  Break something on purpose, tell with measured times what comes of it, and judge it (exit 1: not as promised).
cluster diff hashell.commands.machines
  Compare a file of nodes (by default all) with the first one's.
cluster disable hashell.commands.machines
  Do not have the daemon started when nodes (by default this one) start.
cluster enable hashell.commands.machines
  Have the daemon started whenever nodes (by default this one) start; a missing service is made.
cluster health hashell.commands.cluster
  Look for what would hurt later: lost contact, no fencing, votes that may tie; with advice for each.
cluster import hashell.commands.cluster
  Translate a heartbeat cluster: ha.cf, authkeys and haresources become hashelld.toml and a configuration.
cluster init hashell.commands.cluster
  Write hashelld.toml and a new cluster key for this node, and print a token with which the others join.
cluster join hashell.commands.cluster
  Write the files with which this node joins a cluster, from the token that `cluster init` printed.
cluster links hashell.commands.cluster
  Show how the node that answers hears the others.
cluster qdisk hashell.commands.qdisk
  Make a quorum disk, or show what one says: a block device or file that all nodes see, with a vote of its own.
cluster quorum hashell.commands.electorate
  Show the votes, by which rule they are judged, and the verdict; or change who has how many votes, and the modes.
cluster remove hashell.commands.electorate
  Take a node out of the cluster for good: out of the configuration, and its vote out of the electorate.
cluster restart hashell.commands.machines
  Stop the daemon on nodes (by default here), and start it again: what runs there is moved or stopped first.
cluster run hashell.commands.machines
  Run the same command on nodes (by default all), by ssh; refused (exit 1) when it fails on one of them.
cluster start hashell.commands.machines
  Start the daemon on nodes (by default here), by systemd; where the service is missing, it is made.
cluster status hashell.commands.cluster
  Show nodes, DC and votes.
cluster stop hashell.commands.machines
  Stop the daemon on nodes (by default here): what runs there is moved away or stopped first.
cluster token hashell.commands.cluster
  Print the token with which a node joins this cluster, from the files that are here. It is a secret.
cluster wait_for_startup hashell.commands.machines
  Return when the daemon here answers and its cluster has a DC and quorum; exit 4 when that takes too long.
cib commit hashell.commands.cib
  Make a shadow the cluster's configuration, in one step; the shadow stays, as a copy of it.
cib delete hashell.commands.cib
  Delete a shadow; one that is worked on is left first.
cib diff hashell.commands.cib
  Print how a shadow (by default the one worked on) differs from the cluster's configuration.
cib export hashell.commands.cib
  Write a shadow, or (without a name) what is worked on, as CIB XML; a file ending in .crm gets the language.
cib import hashell.commands.cib
  Make a shadow of a file (CIB XML, or the configure language), and work on it; by default named as the file.
cib list hashell.commands.cib
  List the shadows: which one is worked on, when it was changed, and how it differs from the cluster.
cib new hashell.commands.cib
  Make a shadow of the cluster's configuration, and work on it from now on; --force replaces one of this name.
cib preview hashell.commands.cib
  Show what the cluster would do if a shadow were committed, and why; nothing is changed.
cib reset hashell.commands.cib
  Make a shadow a copy of the cluster's configuration again; what was changed in it is lost.
cib use hashell.commands.cib
  Work on a shadow until this shell ends; without a name, on the cluster again.
maintenance action hashell.commands.maintenance
  Run an operation of an agent by hand, on this machine; what changes something needs maintenance first.
maintenance off hashell.commands.maintenance
  Manage everything, or some resources, again.
maintenance on hashell.commands.maintenance
  Leave everything, or some resources, as it is: nothing is started, stopped or monitored.
history diff hashell.commands.history
  Show one change in full, or all that was changed between two versions.
history events hashell.commands.history
  Show what happened, newest last: commits, who left or was fenced, and the newest result of every operation.
history exclude hashell.commands.history
  Hide what a regular expression finds, until this shell ends; `clear` shows all again, no word what is hidden.
history info hashell.commands.history
  Show what the history is made of: from where, since when, and what is left out of it.
history latest hashell.commands.history
  Wait until the cluster has nothing to do, and show what it did last.
history limit hashell.commands.history
  Show only what happened since a time, or between two, until this shell ends; without times, everything again.
history log hashell.commands.history
  Show who changed what and when, newest last; with ids, only changes of these objects.
history node hashell.commands.history
  Show what happened to nodes and on them: changes, operations, leaving, fencing.
history resource hashell.commands.history
  Show what happened to resources and to what is inside them: changes, operations, failures.
history show hashell.commands.history
  Print the configuration, or some objects of it, as it was after a change; -2 is the one before the newest.
history transition hashell.commands.history
  Show the operations that followed a change (by default the newest that any followed), with their outcome.
history transitions hashell.commands.history
  List what set the cluster in motion, and how many operations followed; `history transition` shows which.
ra classes hashell.commands.ra
  List the classes of agents that are installed, with their providers.
ra info hashell.commands.ra
  Show what an agent is for, its parameters (required ones marked *), and the operation times that it advises.
ra list hashell.commands.ra
  List the agents of a class, or of a class and provider.
ra providers hashell.commands.ra
  List who ships an OCF agent of this type.
ra validate hashell.commands.ra
  Let an agent check parameters (NAME=VALUE …), on this machine.
script list hashell.commands.script
  List the scripts: those that come with hashell, those of this machine, and your own.
script run hashell.commands.script
  Add what a script makes to the configuration, in one commit.
script show hashell.commands.script
  Show what a script needs to know, and the statements that it makes.
script verify hashell.commands.script
  Check what a script would add to the configuration, and print it; nothing is changed.
options editor hashell.commands.options
  Choose the editor of `configure edit`.
options output hashell.commands.options
  Say whether colours are used.
options pager hashell.commands.options
  Choose the program that shows what is longer than the screen; an empty name is none.
options reset hashell.commands.options
  Forget preferences (by default all) that were kept: the defaults hold again.
options save hashell.commands.options
  Keep the preferences of this shell for the next ones.
options set hashell.commands.options
  Change a preference. At the prompt it holds until the shell ends, unless `save` keeps it.
options show hashell.commands.options
  Print preferences: what they are, and where that is said.
options sort-elements hashell.commands.options
  Say whether `configure show` sorts objects by kind and id, or keeps their order.
options user hashell.commands.options
  Choose who logs in on other nodes (`cluster run`, `copy`, `diff`); an empty name is yourself.
options wait hashell.commands.options
  Say whether every change waits until the cluster has settled, as with --wait.
* cd hashell.grammar.everywhere
  Go to another level; without a level, one up.
* help hashell.grammar.everywhere
  Explain a command or a level; without a topic, list what may be typed here.
* ls hashell.grammar.everywhere
  List the levels and commands that may be typed here.
* quit hashell.grammar.everywhere
  Leave the shell.
* up hashell.grammar.everywhere
  Leave this level; at the top, stay.
"""
