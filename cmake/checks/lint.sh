#!/usr/bin/env bash
# lint.sh format|reformat|tidy|cppcheck|shell ROOT [BUILD]: one of the checks of the source text.
# BUILD holds compile_commands.json.
set -euo pipefail
cd "$2"
build=${3-}

sources() { find include src tests examples bench -name "$1" 2>/dev/null | sort; }

compiled() {
    grep -o '"file": "[^"]*"' "$build/compile_commands.json" | cut -d'"' -f4 | sort -u
}

format() { sources '*.[ch]' | xargs clang-format --dry-run --Werror; }

reformat() { sources '*.[ch]' | xargs clang-format -i; }

tidy() { compiled | xargs -P "$(nproc)" -n 1 clang-tidy -p "$build" --quiet 2>/dev/null; }

cppcheck_all() {
    cppcheck --project="$build/compile_commands.json" --std=c11 -j "$(nproc)" --quiet --inline-suppr \
        --enable=warning,performance,portability --error-exitcode=1 \
        --suppress='*:*/apr*.h' --suppress='*:*/CUnit/*' --suppress=missingIncludeSystem
}

shell() { { echo dev && find .ci cmake tests -name '*.sh' -o -path .ci/run; } | sort | xargs shellcheck -x; }

case $1 in
format | reformat | tidy | shell) "$1" ;;
cppcheck) cppcheck_all ;;
*) exit 2 ;;
esac
