#!/usr/bin/env bash
# lint.sh format|reformat|tidy|cppcheck|extensions|shell|reference ROOT [BUILD]: one of the checks of the source text.
# BUILD holds compile_commands.json.
set -euo pipefail
cd "$2"
build=${3-}
jobs=$(getconf _NPROCESSORS_ONLN)

sources() { find include src tests examples bench -name '*.[ch]' | sort; }

compiled() {
    grep -o '"file": "[^"]*"' "$build/compile_commands.json" | cut -d'"' -f4 | sort -u
}

format() { sources | xargs clang-format --dry-run --Werror; }

reformat() { sources | xargs clang-format -i; }

tidy() { compiled | xargs -P "$jobs" -n 1 clang-tidy -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option 2>/dev/null; }

# uninitvar, as in .clang-tidy: it can't see that xipc__fail() never returns success. invalidFunctionArg: it takes an
# unsigned 0 - 1, which the code around excludes, for an argument.
cppcheck_all() {
    cppcheck --project="$build/compile_commands.json" --std=c11 -j "$jobs" --quiet --inline-suppr \
        --enable=warning,performance,portability --error-exitcode=1 \
        --suppress='*:*/apr*.h' --suppress='*:*/CUnit/*' --suppress='*:*tests/*' --suppress=missingIncludeSystem \
        -D'ElfW(type)=Elf64_##type' \
        --suppress=uninitvar --suppress=invalidFunctionArg
}

# What Microsoft's compiler has to compile as well: C11 without the extensions of others. Needs cmake/deps/windows.sh.
extensions() {
    local prefix=${XIPC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/xipc}/x86_64-windows
    local system=/usr/share/mingw-w64/include
    if [[ ! -d $prefix || ! -d $system ]]; then
        echo "skipped: the libraries for Windows are not here"
        exit 77
    fi
    find src/core src/win32 examples -name '*.c' | sort | xargs -P "$jobs" -n 1 \
        clang --target=x86_64-w64-windows-gnu -std=c11 -fsyntax-only -pedantic-errors -Werror=gnu -Werror=vla \
        -Wno-ignored-attributes -D_WIN32_WINNT=0x0602 \
        -Iinclude -I"$build/include" -Isrc -isystem "$system" -isystem "$prefix/include/apr-1"
}

shell() { { echo dev && find .ci cmake tests -name '*.sh' -o -path .ci/run; } | sort | xargs shellcheck -x; }

# The reference of the API, for its warnings: what is undocumented, or documented wrongly.
reference() {
    {
        cat cmake/doc/Doxyfile
        printf '%s = %s\n' OUTPUT_DIRECTORY "$build/doc" INPUT "include $build/include/xipc"
    } | doxygen -
}

case $1 in
format | reformat | tidy | extensions | shell | reference) "$1" ;;
cppcheck) cppcheck_all ;;
*) exit 2 ;;
esac
