"""Heartbeat's own resource scripts and their OCF twins: which parameter each positional argument becomes."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final


TWINS: Final = MappingProxyType(
    {
        "AudibleAlarm": ("nodelist",),
        "Delay": ("startdelay", "stopdelay", "mondelay"),
        "Filesystem": ("device", "directory", "fstype", "options"),
        "ICP": ("driveid", "device"),
        "IPsrcaddr": ("ipaddress",),
        "LVM": ("volgrpname",),
        "LinuxSCSI": ("scsi",),
        "MailTo": ("email", "subject"),
        "Raid1": ("raidconf", "raiddev"),
        "SendArp": ("ip", "nic"),
        "ServeRAID": ("serveraid", "mergegroup"),
        "WAS": ("config", "port"),
        "WinPopup": ("hostfile",),
        "Xinetd": ("service",),
        "apache": ("configfile",),
        "db2": ("instance",),
        "portblock": ("protocol", "portno", "action"),
    }
)
"""Scripts of resource.d that only translate their arguments and run the OCF agent of the same name."""

ADDRESS_SCRIPTS: Final = frozenset({"IPaddr", "IPaddr2", "IPv6addr"})
"""Scripts whose one argument is ADDRESS/MASK/INTERFACE/BROADCAST; all become ocf:heartbeat:IPaddr2."""

SLOW: Final = frozenset({"Filesystem", "LVM", "Raid1", "db2", "apache"})
"""Agents that need more than the usual time limits."""

STONITH_PARAMETERS: Final = MappingProxyType(
    {
        "apcmaster": ("ipaddr", "login", "password"),
        "apcsmart": ("ttydev", "hostlist"),
        "baytech": ("ipaddr", "login", "password"),
        "external/ipmi": ("hostname", "ipaddr", "userid", "passwd", "interface"),
        "external/libvirt": ("hostlist", "hypervisor_uri", "reboot_method"),
        "external/riloe": ("hostlist", "ilo_hostname", "ilo_user", "ilo_password"),
        "external/ssh": ("hostlist",),
        "external/xen0": ("hostlist", "dom0"),
        "meatware": ("hostlist",),
        "null": ("hostlist",),
        "rps10": ("serial_to_targets",),
        "ssh": ("hostlist",),
        "wti_nps": ("ipaddr", "password"),
    }
)
"""Parameters of cluster-glue's stonith devices, in the order in which ha.cf gives them."""

TESTING_DEVICES: Final = frozenset({"null", "ssh", "external/ssh"})
"""Devices that cannot make sure that a node is off."""
