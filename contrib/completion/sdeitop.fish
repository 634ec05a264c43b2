# SPDX-License-Identifier: GPL-2.0-only
# fish completion for sdeitop and sdeid. What there is to complete it reads from --help, so that it is never out of date.

# __sdeitop_section PROGRAM TITLE [COMMAND]: the indented lines of --help below the line that starts with TITLE.
function __sdeitop_section
    $argv[1] $argv[3..] --help 2>/dev/null | sed -n "/^$argv[2]/,/^[^ ]/{/^  /p}"
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
            case COLUMN
                set -a call -x -a "(__sdeitop_section $program 'Columns (' | awk '{ print \$1 }')"
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
