#!/usr/bin/env bash
# header_alone.sh HEADER CC CXX FLAG...: a public header compiles when it is all there is, as C11 and as C++.
# CXX may be empty.
set -euo pipefail
header=$1 cc=$2 cxx=$3
shift 3

# twice: what is included again changes nothing
printf '#include <%s>\n#include <%s>\nint main(void);\n' "$header" "$header" >"header_alone.$$.c"
trap 'rm -f header_alone.$$.c' EXIT
warnings=(-Wall -Wextra -Wpedantic -Werror -fsyntax-only)
"$cc" -std=c11 -Wstrict-prototypes "${warnings[@]}" "$@" "header_alone.$$.c"
if [[ -n $cxx ]]; then
    "$cxx" -std=c++11 "${warnings[@]}" "$@" -x c++ "header_alone.$$.c"
else
    echo "no C++ compiler here: compiled as C only"
fi
