# bash completion for hashell; written by python -m hashell.generate, do not edit.
# Levels, commands and options are in the tables below. Only names of a cluster are asked of hashell itself.

_hashell_options="--socket --cib --shadow --file --json --force --yes --wait --show-secrets --version --help"
_hashell_top="resource node configure cluster cib maintenance history ra script options demo events help mon report simulate status verify version"
declare -gA _hashell_levels=(
    ["resource"]="ban cleanup clear constraints demote failcount locate maintenance manage meta move operations param promote restart scores secret start status stop trace unmanage untrace utilization why"
    ["node"]="attribute clearstate delete fence fence-history maintenance online ready server show standby status-attr utilization"
    ["configure"]="acl_group acl_target alert apply bundle clone colocation commit default-timeouts delete diff edit erase fencing_topology filter get-property graph group load location merge modgroup monitor ms node op_defaults order preview primitive promotable property redo refresh rename resume role rsc_defaults rsc_template rsc_ticket rsctest save set show tag undo ungroup unset upgrade validate-all verify xml"
    ["cluster"]="add copy crash-test diff disable enable health import init join links qdisk quorum remove restart run start status stop token wait_for_startup"
    ["cib"]="commit delete diff export import list new preview reset use"
    ["maintenance"]="action off on"
    ["history"]="diff events exclude info latest limit log node resource show transition transitions"
    ["ra"]="classes info list providers validate"
    ["script"]="list run show verify"
    ["options"]="editor output pager reset save set show sort-elements user wait"
)
declare -gA _hashell_command_options=(
    ["demo"]="--script --json --yes --force --wait --help"
    ["events"]="--follow --limit --json --yes --force --wait --help"
    ["mon"]="--json --yes --force --wait --help"
    ["report"]="--lines --json --yes --force --wait --help"
    ["simulate"]="--node-up --node-down --node-fail --op-inject --op-fail --quorum --ticket-grant --ticket-revoke --ticket-standby --ticket-activate --date --graph --json --yes --force --wait --help"
    ["status"]="--watch --json --yes --force --wait --help"
    ["verify"]="--json --yes --force --wait --help"
    ["version"]="--json --yes --force --wait --help"
    ["resource ban"]="--wait --dry-run --json --yes --force --help"
    ["resource cleanup"]="--wait --json --yes --force --help"
    ["resource clear"]="--wait --dry-run --json --yes --force --help"
    ["resource constraints"]="--json --yes --force --wait --help"
    ["resource demote"]="--wait --dry-run --json --yes --force --help"
    ["resource failcount"]="--json --yes --force --wait --help"
    ["resource locate"]="--json --yes --force --wait --help"
    ["resource maintenance"]="--json --yes --force --wait --help"
    ["resource manage"]="--json --yes --force --wait --help"
    ["resource meta"]="--json --yes --force --wait --help"
    ["resource move"]="--keep --wait --dry-run --json --yes --force --help"
    ["resource operations"]="--json --yes --force --wait --help"
    ["resource param"]="--json --yes --force --wait --help"
    ["resource promote"]="--wait --dry-run --json --yes --force --help"
    ["resource restart"]="--json --yes --force --wait --help"
    ["resource scores"]="--json --yes --force --wait --help"
    ["resource secret"]="--json --yes --force --wait --help"
    ["resource start"]="--wait --dry-run --json --yes --force --help"
    ["resource status"]="--json --yes --force --wait --help"
    ["resource stop"]="--wait --dry-run --json --yes --force --help"
    ["resource trace"]="--json --yes --force --wait --help"
    ["resource unmanage"]="--json --yes --force --wait --help"
    ["resource untrace"]="--json --yes --force --wait --help"
    ["resource utilization"]="--json --yes --force --wait --help"
    ["resource why"]="--json --yes --force --wait --help"
    ["node attribute"]="--json --yes --force --wait --help"
    ["node clearstate"]="--json --yes --force --wait --help"
    ["node delete"]="--cascade --json --yes --force --wait --help"
    ["node fence"]="--confirm --json --yes --force --wait --help"
    ["node fence-history"]="--json --yes --force --wait --help"
    ["node maintenance"]="--all --wait --dry-run --json --yes --force --help"
    ["node online"]="--all --wait --dry-run --json --yes --force --help"
    ["node ready"]="--all --wait --dry-run --json --yes --force --help"
    ["node server"]="--json --yes --force --wait --help"
    ["node show"]="--json --yes --force --wait --help"
    ["node standby"]="--all --wait --dry-run --json --yes --force --help"
    ["node status-attr"]="--json --yes --force --wait --help"
    ["node utilization"]="--json --yes --force --wait --help"
    ["configure acl_group"]="--json --yes --force --wait --help"
    ["configure acl_target"]="--json --yes --force --wait --help"
    ["configure alert"]="--json --yes --force --wait --help"
    ["configure apply"]="--prune --dry-run --json --yes --force --wait --help"
    ["configure bundle"]="--json --yes --force --wait --help"
    ["configure clone"]="--json --yes --force --wait --help"
    ["configure colocation"]="--json --yes --force --wait --help"
    ["configure commit"]="--dry-run --json --yes --force --wait --help"
    ["configure default-timeouts"]="--json --yes --force --wait --help"
    ["configure delete"]="--cascade --json --yes --force --wait --help"
    ["configure diff"]="--show-secrets --json --yes --force --wait --help"
    ["configure edit"]="--json --yes --force --wait --help"
    ["configure erase"]="--nodes --json --yes --force --wait --help"
    ["configure fencing_topology"]="--json --yes --force --wait --help"
    ["configure filter"]="--json --yes --force --wait --help"
    ["configure get-property"]="--json --yes --force --wait --help"
    ["configure graph"]="--json --yes --force --wait --help"
    ["configure group"]="--json --yes --force --wait --help"
    ["configure load"]="--json --yes --force --wait --help"
    ["configure location"]="--json --yes --force --wait --help"
    ["configure merge"]="--mine --theirs --json --yes --force --wait --help"
    ["configure modgroup"]="--json --yes --force --wait --help"
    ["configure monitor"]="--json --yes --force --wait --help"
    ["configure ms"]="--json --yes --force --wait --help"
    ["configure node"]="--json --yes --force --wait --help"
    ["configure op_defaults"]="--json --yes --force --wait --help"
    ["configure order"]="--json --yes --force --wait --help"
    ["configure preview"]="--json --yes --force --wait --help"
    ["configure primitive"]="--json --yes --force --wait --help"
    ["configure promotable"]="--json --yes --force --wait --help"
    ["configure property"]="--json --yes --force --wait --help"
    ["configure redo"]="--json --yes --force --wait --help"
    ["configure refresh"]="--json --yes --force --wait --help"
    ["configure rename"]="--json --yes --force --wait --help"
    ["configure resume"]="--json --yes --force --wait --help"
    ["configure role"]="--json --yes --force --wait --help"
    ["configure rsc_defaults"]="--json --yes --force --wait --help"
    ["configure rsc_template"]="--json --yes --force --wait --help"
    ["configure rsc_ticket"]="--json --yes --force --wait --help"
    ["configure rsctest"]="--json --yes --force --wait --help"
    ["configure save"]="--json --yes --force --wait --help"
    ["configure set"]="--json --yes --force --wait --help"
    ["configure show"]="--show-secrets --ids --json --yes --force --wait --help"
    ["configure tag"]="--json --yes --force --wait --help"
    ["configure undo"]="--json --yes --force --wait --help"
    ["configure ungroup"]="--cascade --json --yes --force --wait --help"
    ["configure unset"]="--json --yes --force --wait --help"
    ["configure upgrade"]="--json --yes --force --wait --help"
    ["configure validate-all"]="--json --yes --force --wait --help"
    ["configure verify"]="--json --yes --force --wait --help"
    ["configure xml"]="--json --yes --force --wait --help"
    ["cluster add"]="--dir --dry-run --json --yes --force --wait --help"
    ["cluster copy"]="--json --yes --force --wait --help"
    ["cluster crash-test"]="--for --within --json --yes --force --wait --help"
    ["cluster diff"]="--checksum --json --yes --force --wait --help"
    ["cluster disable"]="--all --json --yes --force --wait --help"
    ["cluster enable"]="--all --json --yes --force --wait --help"
    ["cluster health"]="--json --yes --force --wait --help"
    ["cluster import"]="--own --dir --dry-run --json --yes --force --wait --help"
    ["cluster init"]="--name --own --arbiter --dir --port --json --yes --force --wait --help"
    ["cluster join"]="--file --own --dir --json --yes --force --wait --help"
    ["cluster links"]="--json --yes --force --wait --help"
    ["cluster qdisk"]="--nodes --interval --tko --cluster --json --yes --force --wait --help"
    ["cluster quorum"]="--json --yes --force --wait --help"
    ["cluster remove"]="--cascade --json --yes --force --wait --help"
    ["cluster restart"]="--all --json --yes --force --wait --help"
    ["cluster run"]="--json --yes --force --wait --help"
    ["cluster start"]="--all --json --yes --force --wait --help"
    ["cluster status"]="--json --yes --force --wait --help"
    ["cluster stop"]="--all --json --yes --force --wait --help"
    ["cluster token"]="--dir --json --yes --force --wait --help"
    ["cluster wait_for_startup"]="--json --yes --force --wait --help"
    ["cib commit"]="--dry-run --json --yes --force --wait --help"
    ["cib delete"]="--json --yes --force --wait --help"
    ["cib diff"]="--show-secrets --json --yes --force --wait --help"
    ["cib export"]="--json --yes --force --wait --help"
    ["cib import"]="--json --yes --force --wait --help"
    ["cib list"]="--json --yes --force --wait --help"
    ["cib new"]="--empty --json --yes --force --wait --help"
    ["cib preview"]="--json --yes --force --wait --help"
    ["cib reset"]="--json --yes --force --wait --help"
    ["cib use"]="--json --yes --force --wait --help"
    ["maintenance action"]="--json --yes --force --wait --help"
    ["maintenance off"]="--wait --dry-run --json --yes --force --help"
    ["maintenance on"]="--wait --dry-run --json --yes --force --help"
    ["history diff"]="--show-secrets --json --yes --force --wait --help"
    ["history events"]="--limit --since --json --yes --force --wait --help"
    ["history exclude"]="--json --yes --force --wait --help"
    ["history info"]="--json --yes --force --wait --help"
    ["history latest"]="--json --yes --force --wait --help"
    ["history limit"]="--json --yes --force --wait --help"
    ["history log"]="--limit --since --json --yes --force --wait --help"
    ["history node"]="--limit --since --json --yes --force --wait --help"
    ["history resource"]="--limit --since --json --yes --force --wait --help"
    ["history show"]="--show-secrets --json --yes --force --wait --help"
    ["history transition"]="--json --yes --force --wait --help"
    ["history transitions"]="--limit --since --json --yes --force --wait --help"
    ["ra classes"]="--json --yes --force --wait --help"
    ["ra info"]="--json --yes --force --wait --help"
    ["ra list"]="--json --yes --force --wait --help"
    ["ra providers"]="--json --yes --force --wait --help"
    ["ra validate"]="--json --yes --force --wait --help"
    ["script list"]="--json --yes --force --wait --help"
    ["script run"]="--wait --json --yes --force --help"
    ["script show"]="--json --yes --force --wait --help"
    ["script verify"]="--json --yes --force --wait --help"
    ["options editor"]="--json --yes --force --wait --help"
    ["options output"]="--json --yes --force --wait --help"
    ["options pager"]="--json --yes --force --wait --help"
    ["options reset"]="--json --yes --force --wait --help"
    ["options save"]="--json --yes --force --wait --help"
    ["options set"]="--json --yes --force --wait --help"
    ["options show"]="--json --yes --force --wait --help"
    ["options sort-elements"]="--json --yes --force --wait --help"
    ["options user"]="--json --yes --force --wait --help"
    ["options wait"]="--json --yes --force --wait --help"
    ["help"]="--json --yes --force --wait --help"
)
declare -gA _hashell_valued=(
    ["demo"]="--script"
    ["events"]="--limit"
    ["report"]="--lines"
    ["simulate"]="--node-up --node-down --node-fail --op-inject --op-fail --quorum --ticket-grant --ticket-revoke --ticket-standby --ticket-activate --date"
    ["cluster crash-test"]="--for --within"
    ["cluster import"]="--own"
    ["cluster init"]="--name --own --arbiter --port"
    ["cluster join"]="--own"
    ["cluster qdisk"]="--nodes --interval --tko --cluster"
    ["history events"]="--limit --since"
    ["history log"]="--limit --since"
    ["history node"]="--limit --since"
    ["history resource"]="--limit --since"
    ["history transitions"]="--limit --since"
)
declare -gA _hashell_filed=(
    ["simulate"]="--graph"
    ["cluster add"]="--dir"
    ["cluster import"]="--dir"
    ["cluster init"]="--dir"
    ["cluster join"]="--file --dir"
    ["cluster token"]="--dir"
)
declare -gA _hashell_paths=(
    ["report"]="1"
    ["simulate"]="1"
    ["configure apply"]="1"
    ["configure graph"]="1"
)
declare -gA _hashell_resources=(
    ["resource ban"]="1"
    ["resource cleanup"]="1"
    ["resource clear"]="1"
    ["resource constraints"]="1"
    ["resource demote"]="1"
    ["resource failcount"]="1"
    ["resource locate"]="99"
    ["resource maintenance"]="1"
    ["resource manage"]="99"
    ["resource meta"]="1"
    ["resource move"]="1"
    ["resource operations"]="1"
    ["resource param"]="1"
    ["resource promote"]="1"
    ["resource restart"]="1"
    ["resource scores"]="99"
    ["resource start"]="99"
    ["resource status"]="99"
    ["resource stop"]="99"
    ["resource unmanage"]="99"
    ["resource why"]="1"
    ["maintenance off"]="99"
    ["maintenance on"]="99"
)
declare -gA _hashell_wordless=(
    ["demo"]="1"
    ["events"]="1"
    ["mon"]="1"
    ["version"]="1"
    ["configure commit"]="1"
    ["configure diff"]="1"
    ["configure erase"]="1"
    ["configure merge"]="1"
    ["configure preview"]="1"
    ["configure redo"]="1"
    ["configure refresh"]="1"
    ["configure resume"]="1"
    ["configure undo"]="1"
    ["configure upgrade"]="1"
    ["configure verify"]="1"
    ["cluster health"]="1"
    ["cluster links"]="1"
    ["cluster status"]="1"
    ["cluster token"]="1"
    ["cib list"]="1"
    ["history events"]="1"
    ["history info"]="1"
    ["history latest"]="1"
    ["history transitions"]="1"
    ["ra classes"]="1"
    ["script list"]="1"
    ["options save"]="1"
)

_hashell_offer() {
    # Candidates in $1, words separated by blanks.
    COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

_hashell_ask() {
    # The words of the command so far, as they would be typed at the prompt.
    local line way="$1" first="$2" candidate
    local -a all=()
    shift 2
    line="$*"
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        all+=("$candidate")
        [[ $candidate == "$cur"* ]] && COMPREPLY+=("$candidate")
    done < <("$first" "${_hashell_where[@]}" "$way" "$line" 2>/dev/null)
    # An agent by its type alone.
    ((${#COMPREPLY[@]} == 0 && ${#all[@]} == 1)) && COMPREPLY=("${all[0]}")
}

_hashell() {
    local cur words cword i at=-1 level="" key
    local -a _hashell_where=() said=()
    # Words are taken as they are typed, without breaking at = and :.
    local line="${COMP_LINE:0:COMP_POINT}"
    read -r -a words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    cword=$((${#words[@]} - 1))
    cur="${words[cword]}"
    for ((i = 1; i < cword; i++)); do
        case "${words[i]}" in
            --socket | --cib | --shadow | -c)
                _hashell_where+=("${words[i]}" "${words[i + 1]}")
                ((i++))
                ;;
            -f | --file) ((i++)) ;;
            -*) ;;
            *)
                at=$i
                break
                ;;
        esac
    done
    if ((at < 0)); then
        case "${words[cword - 1]}" in
            --socket | --cib | -f | --file)
                compopt -o filenames
                COMPREPLY=($(compgen -f -- "$cur"))
                ;;
            *)
                if [[ $cur == -* ]]; then _hashell_offer "$_hashell_options"; else _hashell_offer "$_hashell_top"; fi
                ;;
        esac
        _hashell_space
        return
    fi
    said=("${words[@]:at:cword-at}")
    level="${said[0]}"
    if [[ -n ${_hashell_levels[$level]+x} && ${#said[@]} -eq 1 ]]; then
        _hashell_offer "${_hashell_levels[$level]}"
    else
        key="${said[0]}"
        [[ -n ${_hashell_levels[$level]+x} ]] && key="${said[0]} ${said[1]}"
        if [[ $cur == -* ]]; then
            _hashell_offer "${_hashell_command_options[$key]}"
        elif [[ " ${_hashell_valued[$key]} " == *" ${words[cword - 1]} "* ]]; then
            _hashell_ask --complete "${words[0]}" "${said[@]}" "$cur"
        elif [[ -n ${_hashell_paths[$key]+x} || " ${_hashell_filed[$key]} " == *" ${words[cword - 1]} "* ]]; then
            compopt -o filenames
            COMPREPLY=($(compgen -f -- "$cur"))
        elif [[ -z ${_hashell_wordless[$key]+x} ]]; then
            # Names of resources are asked for in a quicker way, where nothing else may stand.
            local way=--complete
            local -a of_command=($key)
            at=$((${#said[@]} - ${#of_command[@]}))
            [[ " ${said[*]}" != *" -"* ]] && ((at < ${_hashell_resources[$key]:-0})) && way=--names
            _hashell_ask "$way" "${words[0]}" "${said[@]}" "$cur"
        fi
    fi
    _hashell_space
}

_hashell_space() {
    # No blank after what is gone on with; readline breaks words at = and :, so only what follows is inserted.
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:] ]] && compopt -o nospace
    local sign before i
    for sign in "=" ":"; do
        if [[ $COMP_WORDBREAKS == *"$sign"* && $cur == *"$sign"* ]]; then
            before="${cur%"${cur##*"$sign"}"}"
            for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]="${COMPREPLY[i]#"$before"}"; done
            cur="${cur#"$before"}"
        fi
    done
}

complete -F _hashell hashell
