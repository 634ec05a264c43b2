# SPDX-License-Identifier: GPL-2.0-only
# fish completion for sdeitop and sdeid. What there is to complete it reads from --help, so that it is never out of date.

# __sdeitop_section PROGRAM TITLE [COMMAND]: the indented lines of --help below the line that starts with TITLE.
function __sdeitop_section
    $argv[1] $argv[3..] --help 2>/dev/null | sed -n "/^$argv[2]/,/^[^ ]/{/^  /p}"
end

# __sdeitop_values PROGRAM OPTION [COMMAND]: what its value can be, or begin with.
function __sdeitop_values
    __sdeitop_section $argv[1] 'Values:' $argv[3..] | awk -v option=$argv[2] '$1 == option { for (i = 2; i <= NF; i++) print $i }'
end

# __sdeitop_last SEPARATOR WORD...: each behind what is typed up to the last separator.
function __sdeitop_last
    set -l typed (string match -r "^.*$argv[1]" -- (string trim -c "'\"" -l -- (commandline -ct)))
    for word in $argv[2..]
        echo "$typed$word"
    end
end

# Whether the command line has that command; '' is for none.
function __sdeitop_has
    set -l words (commandline -opc)
    set -l command (string match -r '^[a-z]+$' -- "$words[2]")
    test "$command" = "$argv[1]"
end

# __sdeitop_add PROGRAM [COMMAND]: its options.
function __sdeitop_add
    set -l program $argv[1]
    for line in (__sdeitop_section $program 'Options:' $argv[2..])
        set -l found (string match -r '^  (-.|)(?:, |    )--(\S+)( [A-Z]\S*|) +(.*)$' -- $line)
        or continue
        set -l call -c $program -n "__sdeitop_has '$argv[2]'" -l $found[3] -d $found[5]
        test -z "$found[2]"; or set -a call -s (string sub -s 2 -- $found[2])
        switch (string trim -- "$found[4]")
            case ''
            case FILE DIR PATH
                set -a call -r -F
            case COLUMN FORM WHAT
                set -a call -x -a "(__sdeitop_values $program --$found[3] $argv[2])"
            case 'STAT,...'
                set -a call -x -a "(__sdeitop_last , (__sdeitop_values $program --$found[3] $argv[2]))"
            case CONDITIONS
                set -a call -x -a "(__sdeitop_last ' ' (__sdeitop_values $program --$found[3] $argv[2]))"
            case USER
                set -a call -x -a '(__fish_complete_users)'
            case GROUP
                set -a call -x -a '(__fish_complete_groups)'
            case '*'
                set -a call -x
        end
        complete $call
    end
end

set -l commands (sdeitop --help 2>/dev/null | sed -n 's/^       sdeitop \([a-z]\{1,\}\) .*/\1/p')
complete -c sdeitop -n 'test (count (commandline -opc)) = 1' -f -a "$commands"
__sdeitop_add sdeitop
for command in $commands
    __sdeitop_add sdeitop $command
end
complete -c sdeitop -n "__sdeitop_has help" -f -a "(begin; __sdeitop_section sdeitop 'Commands:' help; __sdeitop_section sdeitop 'Topics:' help; end | awk '{ print \$1 }')"
complete -c sdeid -f
__sdeitop_add sdeid
