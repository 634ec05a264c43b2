# SPDX-License-Identifier: GPL-2.0-only
# bash completion for sdeitop and sdeid. What there is to complete it reads from --help, so that it is never out of date.

# _sdeitop_section PROGRAM TITLE [COMMAND]: the indented lines of --help below the line that starts with TITLE.
_sdeitop_section() {
	"$1" ${3:+"$3"} --help 2>/dev/null | sed -n "/^$2/,/^[^ ]/{/^  /p}"
}

# _sdeitop_options PROGRAM COMMAND: a line "-o --output FILE" for each; "-" where it has no letter or no value.
_sdeitop_options() {
	_sdeitop_section "$1" 'Options:' "$2" |
		sed -n 's/^  \(-[^ ,]*, \|    \)\(--[^ ]*\)\( [A-Z][^ ]*\)\{0,1\}  *.*/\1\2\3/p' |
		awk '{ sub(",", "", $1); if ($1 ~ /^--/) $0 = "- " $0; print $1, $2, $3 ? $3 : "-" }'
}

# _sdeitop_values PROGRAM COMMAND OPTION [BEFORE]: what its value can be, or begin with; BEFORE is put in front of each.
_sdeitop_values() {
	_sdeitop_section "$1" 'Values:' "$2" | awk -v option="$3" -v before="$4" '$1 == option { for (i = 2; i <= NF; i++) print before $i }'
}

_sdeitop_commands() {
	"$1" --help 2>/dev/null | sed -n 's/^       sdeitop \([a-z]\{1,\}\) .*/\1/p'
}

_sdeitop_topics() {
	{
		_sdeitop_section "$1" 'Commands:' help
		_sdeitop_section "$1" 'Topics:' help
	} | awk '{ print $1 }'
}

# _sdeitop_words LINES WORD
_sdeitop_words() {
	local IFS=$'\n'
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_sdeitop() {
	local program=$1 word=$2 before=$3 command='' option='' value=-
	COMPREPLY=()
	((COMP_CWORD < 2)) || [[ ! ${COMP_WORDS[1]} =~ ^[a-z]+$ ]] || command=${COMP_WORDS[1]}
	[[ $before != -?* ]] ||
		read -r option value < <(_sdeitop_options "$program" "$command" | awk -v o="$before" '$1 == o || $2 == o { print $2, $3 }')
	case ${value:--} in
	COLUMN | FORM | WHAT) _sdeitop_words "$(_sdeitop_values "$program" "$command" "$option")" "$word" ;;
	STAT,...) _sdeitop_words "$(_sdeitop_values "$program" "$command" "$option" "${word%"${word##*,}"}")" "$word" ;;
	CONDITIONS)
		compopt -o nospace 2>/dev/null
		_sdeitop_words "$(_sdeitop_values "$program" "$command" "$option" "${word%"${word##* }"}")" "$word"
		;;
	-) _sdeitop_word "$program" "$command" "$word" ;;
	FILE | DIR | PATH) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	USER) mapfile -t COMPREPLY < <(compgen -u -- "$word") ;;
	GROUP) mapfile -t COMPREPLY < <(compgen -g -- "$word") ;;
	esac
}

# Not the value of an option.
_sdeitop_word() {
	if [[ $3 == -* ]]; then
		_sdeitop_words "$(_sdeitop_options "$1" "$2" | awk '{ print $2 }')" "$3"
	elif ((COMP_CWORD == 1)); then
		_sdeitop_words "$(_sdeitop_commands "$1")" "$3"
	elif [[ $2 == help ]]; then
		_sdeitop_words "$(_sdeitop_topics "$1")" "$3"
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$3")
	fi
}

complete -o filenames -F _sdeitop sdeitop sdeid
