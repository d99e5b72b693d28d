#!/usr/bin/env bash
# platform_macros.sh ROOT: the public headers and src/core know no system: no #if for one, no header of one.
# Only copied.h may ask for the compiler, whose constructors it needs.
set -euo pipefail
cd "$1"
status=0

# Preprocessor lines, continued ones joined, that match a pattern.
directives() {
    local pattern=$1
    shift
    awk -v pattern="$pattern" '
        { line = line $0 }
        /\\$/ { sub(/\\$/, " ", line); next }
        line ~ /^[ \t]*#/ && line ~ pattern { print FILENAME ":" FNR ": " line; found = 1 }
        { line = "" }
        END { exit found }' "$@"
}

complain() {
    echo "$1" >&2
    status=1
}

# macOS's bash has no mapfile
files=() others=()
while IFS= read -r file; do
    files+=("$file")
    [[ $file == include/xipc/copied.h ]] || others+=("$file")
done < <(find include src/core -name '*.[ch]' -o -name '*.h.in' | sort)
systems='#.*(_WIN32|_WIN64|__CYGWIN__|__linux__|__unix__|__APPLE__|__MACH__|BSD__|APR_HAS_|HAVE_)'
directives "$systems" "${files[@]}" || complain "a system is asked for outside of src/posix and src/win32"

compilers='#[ \t]*(el)?if.*(_MSC_VER|__GNUC__|__clang__|__MINGW)'
directives "$compilers" "${others[@]}" || complain "a compiler is asked for outside of include/xipc/copied.h"

c11='assert|ctype|errno|float|inttypes|limits|locale|math|setjmp|signal|stdalign|stdarg|stdatomic|stdbool|stddef'
c11+='|stdint|stdio|stdlib|stdnoreturn|string|threads|time|wchar'
grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<' "${files[@]}" |
    grep -vE "<(($c11)|apr[a-z0-9_]*|xipc(/[a-z_]+)?)\.h>" && complain "a header of a system is included there"
exit "$status"
