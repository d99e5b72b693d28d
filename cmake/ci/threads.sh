#!/usr/bin/env bash
# threads.sh SUITE...: builds suites in which threads share what they use with the thread sanitizer, and runs them.
set -euo pipefail
suites=$(IFS='|' && echo "$*")
"${BASH_SOURCE[0]%/*}/build.sh" tsan "${@/#/test_}"
run=(ctest --preset tsan --output-on-failure --no-tests=error --tests-regex "^xipc\.(${suites//unit_/unit.})\.tsan$")
# the sanitizer wants its addresses where they are without randomisation, if that can be asked for
if setarch -R true 2>/dev/null; then
    run=(setarch -R "${run[@]}")
fi
exec "${run[@]}"
