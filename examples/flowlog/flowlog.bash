# SPDX-License-Identifier: MIT
# Completion of flowlog for bash.  Field names come from `flowlog fields`.
# shellcheck shell=bash disable=SC2207 # words without blanks

# A list separated by commas: what is complete stays, what follows the last comma is completed.
_flowlog_list() { # WORD LIST
    local before=
    case $1 in *,*) before=${1%,*}, ;; esac
    COMPREPLY=($(compgen -P "$before" -W "$2" -- "${1##*,}"))
    compopt -o nospace 2>/dev/null
}

_flowlog_fields() { # COMMAND: the names in the first column, below a header
    "$1" fields --tsv 2>/dev/null | sed -e 1d -e 's/[^a-z0-9-].*//'
}

_flowlog() {
    local command=${COMP_WORDS[1]-} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local output="--table --json --csv --tsv -o --quiet --color --progress --help --version"
    local input="--log-format --on-bad-line --where --from --to" options=
    COMPREPLY=()
    if [ "$word" = = ]; then # --name=value is three words
        word=
    elif [ "$before" = = ]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "summary cat top group merge diagnose fields --help --version" -- "$word"))
        return
    fi
    case $before in
    --fields) _flowlog_list "$word" "$(_flowlog_fields "${COMP_WORDS[0]}")"; return ;;
    --by | --per)
        _flowlog_list "$word" "$(_flowlog_fields "${COMP_WORDS[0]}") hour weekday day month service"
        return
        ;;
    --measure) COMPREPLY=($(compgen -W "bytes packets flows" -- "$word")); return ;;
    --on-bad-line) COMPREPLY=($(compgen -W "skip stop" -- "$word")); return ;;
    --log-format) COMPREPLY=($(compgen -W "default tgw" -- "$word")); return ;;
    --color | --progress) COMPREPLY=($(compgen -W "auto always never" -- "$word")); return ;;
    --context | --rules | --partial | -o) COMPREPLY=($(compgen -f -- "$word")); return ;;
    --where | --from | --to | --agg | --having | --sort | --max-groups | --threads | --client | --server | --port | \
        --interface | -n) return ;;
    esac
    case $command in
    summary) options="$input $output" ;;
    cat) options="--fields --raw --text -n $input $output" ;;
    top) options="--by --measure -n --threads --explain $input $output" ;;
    group) options="--by --agg --having --sort -n --per --nulls --max-groups --approximate --partial --threads
        --explain $input $output" ;;
    merge) options="--partial --explain $output" ;;
    diagnose) options="--client --server --port --interface --context --rules --all --grouped --threads -n $input $output" ;;
    fields) options=$output ;;
    esac
    case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) [ "$command" = fields ] || COMPREPLY=($(compgen -f -- "$word")) ;;
    esac
}

complete -o filenames -F _flowlog flowlog
