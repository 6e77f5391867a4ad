# bash completion for hashell; written by python -m hashell.generate, do not edit.
# Levels, commands and options are in the tables below. Only names of a cluster are asked of hashell itself.

_hashell_options="--socket --cib --file --json --force --yes --wait --version --help"
_hashell_top="resource node configure cluster ra demo events help history mon simulate status version"
declare -gA _hashell_levels=(
    ["resource"]="ban cleanup clear constraints demote failcount locate maintenance manage meta move operations param promote restart scores start status stop trace unmanage untrace utilization why"
    ["node"]="attribute clearstate fence maintenance online ready show standby status-attr utilization"
    ["configure"]="acl_group acl_target alert apply bundle clone colocation commit default-timeouts delete diff edit erase fencing_topology filter get-property graph group load location merge modgroup monitor ms node op_defaults order preview primitive promotable property redo refresh rename resume role rsc_defaults rsc_template rsc_ticket rsctest save set show tag undo ungroup unset upgrade validate-all verify xml"
    ["cluster"]="health import init join quorum status token"
    ["ra"]="classes info list providers"
)
declare -gA _hashell_command_options=(
    ["demo"]="--script --json --yes --force --wait --help"
    ["events"]="--follow --limit --json --yes --force --wait --help"
    ["history"]="--limit --json --yes --force --wait --help"
    ["mon"]="--json --yes --force --wait --help"
    ["simulate"]="--node-up --node-down --node-fail --op-inject --op-fail --quorum --ticket-grant --ticket-revoke --ticket-standby --ticket-activate --date --graph --json --yes --force --wait --help"
    ["status"]="--watch --json --yes --force --wait --help"
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
    ["node fence"]="--confirm --json --yes --force --wait --help"
    ["node maintenance"]="--all --wait --dry-run --json --yes --force --help"
    ["node online"]="--all --wait --dry-run --json --yes --force --help"
    ["node ready"]="--all --wait --dry-run --json --yes --force --help"
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
    ["configure show"]="--show-secrets --json --yes --force --wait --help"
    ["configure tag"]="--json --yes --force --wait --help"
    ["configure undo"]="--json --yes --force --wait --help"
    ["configure ungroup"]="--cascade --json --yes --force --wait --help"
    ["configure unset"]="--json --yes --force --wait --help"
    ["configure upgrade"]="--json --yes --force --wait --help"
    ["configure validate-all"]="--json --yes --force --wait --help"
    ["configure verify"]="--json --yes --force --wait --help"
    ["configure xml"]="--json --yes --force --wait --help"
    ["cluster health"]="--json --yes --force --wait --help"
    ["cluster import"]="--own --dir --dry-run --json --yes --force --wait --help"
    ["cluster init"]="--name --own --dir --port --json --yes --force --wait --help"
    ["cluster join"]="--file --own --dir --json --yes --force --wait --help"
    ["cluster quorum"]="--json --yes --force --wait --help"
    ["cluster status"]="--json --yes --force --wait --help"
    ["cluster token"]="--dir --json --yes --force --wait --help"
    ["ra classes"]="--json --yes --force --wait --help"
    ["ra info"]="--json --yes --force --wait --help"
    ["ra list"]="--json --yes --force --wait --help"
    ["ra providers"]="--json --yes --force --wait --help"
    ["help"]="--json --yes --force --wait --help"
)
declare -gA _hashell_valued=(
    ["demo"]="--script"
    ["events"]="--limit"
    ["history"]="--limit"
    ["simulate"]="--node-up --node-down --node-fail --op-inject --op-fail --quorum --ticket-grant --ticket-revoke --ticket-standby --ticket-activate --date"
    ["cluster import"]="--own"
    ["cluster init"]="--name --own --port"
    ["cluster join"]="--own"
)
declare -gA _hashell_filed=(
    ["simulate"]="--graph"
    ["cluster import"]="--dir"
    ["cluster init"]="--dir"
    ["cluster join"]="--file --dir"
    ["cluster token"]="--dir"
)
declare -gA _hashell_paths=(
    ["simulate"]="1"
    ["configure apply"]="1"
    ["configure graph"]="1"
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
    ["cluster quorum"]="1"
    ["cluster status"]="1"
    ["cluster token"]="1"
    ["ra classes"]="1"
)

_hashell_offer() {
    # Candidates in $1, words separated by blanks.
    COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

_hashell_ask() {
    # The words of the command so far, as they would be typed at the prompt.
    local line first="$1" candidate
    local -a all=()
    shift
    line="$*"
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        all+=("$candidate")
        [[ $candidate == "$cur"* ]] && COMPREPLY+=("$candidate")
    done < <("$first" "${_hashell_where[@]}" --complete "$line" 2>/dev/null)
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
            --socket | --cib)
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
            _hashell_ask "${words[0]}" "${said[@]}" "$cur"
        elif [[ -n ${_hashell_paths[$key]+x} || " ${_hashell_filed[$key]} " == *" ${words[cword - 1]} "* ]]; then
            compopt -o filenames
            COMPREPLY=($(compgen -f -- "$cur"))
        elif [[ -z ${_hashell_wordless[$key]+x} ]]; then
            _hashell_ask "${words[0]}" "${said[@]}" "$cur"
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
