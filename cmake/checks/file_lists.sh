#!/usr/bin/env bash
# file_lists.sh ROOT: no source was forgotten in the lists, which name each file.
set -euo pipefail
cd "$1"
status=0

# complain_unless FILE PATTERN LIST...
complain_unless() {
    local file=$1 pattern=$2
    shift 2
    grep -qE "(^|[ /(])$pattern([ )]|$)" "$@" || {
        echo "$file is in no list of $*" >&2
        status=1
    }
}

# A list may choose by a variable, as in port_socket_${XIPC_SOCKETS}.c.
for file in src/*/*.c; do
    name=${file##*/}
    complain_unless "$file" "(${name}|${name%_*}_\\$\\{[A-Z_]+\\}\\.c)" CMakeLists.txt cmake/XipcSystem.cmake
done
for file in include/xipc/*.h; do
    complain_unless "$file" "$file" CMakeLists.txt
done
for file in tests/test_*.c tests/unit/test_*.c; do
    name=${file##*/test_}
    complain_unless "$file" "${name%.c}" tests/CMakeLists.txt
done
for file in tests/{helpers,chaos}/*.c tests/unit/points.c; do
    complain_unless "$file" "${file#tests/}" tests/CMakeLists.txt
done
for file in tests/fuzz/*.c bench/*.c; do
    name=${file##*/}
    name=${name#fuzz_}
    complain_unless "$file" "${name%.c}(\\.c)?" "${file%/*}/CMakeLists.txt"
done
for file in examples/*/main.c; do
    name=${file#examples/}
    complain_unless "$file" "${name%%/*}" examples/CMakeLists.txt
done
for file in bench/*.c bench/peers/*.c bench/peers/*.cpp; do
    [[ -e $file ]] || continue
    complain_unless "$file" "${file##*/}" bench/CMakeLists.txt bench/peers/CMakeLists.txt
done
exit "$status"
