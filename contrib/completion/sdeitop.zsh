#compdef sdeitop sdeid
# SPDX-License-Identifier: GPL-2.0-only
# zsh completion for sdeitop and sdeid. What there is to complete it reads from --help, so that it is never out of date.

# _sdeitop_section PROGRAM TITLE [COMMAND]: the indented lines of --help below the line that starts with TITLE.
_sdeitop_section() {
	$1 ${3:+$3} --help 2>/dev/null | sed -n "/^$2/,/^[^ ]/{/^  /p;}"
}

# _sdeitop_options PROGRAM COMMAND: lines of letter, name, value and help; "-" where it has no letter or no value.
_sdeitop_options() {
	_sdeitop_section $1 Options: $2 |
		sed -nE 's/^  (-., |    )(--[^ ]+)( [A-Z][^ ]*|) +(.*)/\1 \2 \3 - \4/p' |
		awk '{ sub(",", "", $1); if ($1 ~ /^--/) $0 = "- " $0; if ($3 != "-") sub(" - ", " "); print }'
}

# _sdeitop_values PROGRAM COMMAND OPTION: what its value can be, or begin with.
_sdeitop_values() {
	_sdeitop_section $1 Values: $2 | awk -v option=$3 '$1 == option { for (i = 2; i <= NF; i++) print $i }'
}

# _sdeitop_topics PROGRAM
_sdeitop_topics() {
	{ _sdeitop_section $1 Commands: help; _sdeitop_section $1 Topics: help } | awk '{ print $1 }'
}

# _sdeitop_value PROGRAM COMMAND OPTION KIND: the value of an option.
_sdeitop_value() {
	local -a words
	words=(${(f)"$(_sdeitop_values $1 "$2" $3)"})
	case $4 in
	(COLUMN|FORM|WHAT) compadd -- $words ;;
	(STAT,...) compset -P '*,'; compadd -q -S , -- $words ;;
	(CONDITIONS) compset -P '* '; compadd -S '' -- $words ;;
	(FILE|DIR|PATH) _files ;;
	(USER) _users ;;
	(GROUP) _groups ;;
	esac
}

_sdeitop() {
	local program=$words[1] command='' letter name value text
	local -a names described
	((CURRENT < 3)) || [[ $words[2] != [a-z]## ]] || command=$words[2]
	while read -r letter name value text; do
		if [[ $value != - && $words[CURRENT-1] == -?* && ( $words[CURRENT-1] == $letter || $words[CURRENT-1] == $name ) ]]; then
			_sdeitop_value $program "$command" $name $value
			return
		fi
		names+=($name)
		described+=("$name -- $text")
	done < <(_sdeitop_options $program $command)
	if [[ $PREFIX == -* ]]; then
		compadd -l -d described -- $names
	elif ((CURRENT == 2)) && [[ $program == *sdeitop ]]; then
		compadd -- ${(f)"$($program --help 2>/dev/null | sed -n 's/^       sdeitop \([a-z]*\) .*/\1/p')"}
	elif [[ $command == help ]]; then
		compadd -- ${(f)"$(_sdeitop_topics $program)"}
	else
		_files
	fi
}

setopt localoptions extendedglob
_sdeitop "$@"
