#!/usr/bin/env bash
# leftovers.sh before|after DIRECTORY: what tests left behind, as the difference of two looks at the machine.
# `before` notes what is there, `after` fails over what came and stayed: processes, shared memory, message queues,
# temporary files. Run below isolated.sh the places are the tests' own; elsewhere only names of ours count,
# since others use the machine too.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
moment=$1 notes=$2
mkdir -p "$notes"

entries() { find "$1" -mindepth 1 -maxdepth 1 2>/dev/null || true; }

ours() { grep -E '/(\.?wine|xipc|apr|plugin|test_)[^/]*$' || true; }

files() {
    if [[ -n ${XIPC_ISOLATED-} ]]; then
        entries /dev/shm
        entries "$XIPC_ISOLATED/mqueue"
        entries "$XIPC_ISOLATED/tmp"
    else
        entries /dev/shm | ours
        entries /dev/mqueue | ours
        entries "${TMPDIR:-/tmp}" | ours
    fi
    entries /tmp | ours | grep -v -- "^${XIPC_ISOLATED-/none}" || true
}

# Programs of the tests and examples that still run; Wine shows their names with backslashes.
processes() {
    local directory line
    for directory in /proc/[0-9]*; do
        line=$({ tr '\000\134' ' /' <"$directory/cmdline"; } 2>/dev/null || true)
        if [[ $line == *"$root"/build/*/@(tests|examples|bin)/* && $line != *cmake* && $line != *ctest* ]]; then
            echo "process ${directory#/proc/}: $line"
        fi
    done
}

look() {
    processes
    files
}

# What ends on its own may take a moment.
wait_for_processes() {
    local i
    for ((i = 0; i < 30; i++)); do
        [[ -n $(processes) ]] || return 0
        sleep 0.1
    done
}

shopt -s extglob
if [[ $moment == before ]]; then
    "$root/cmake/toolchains/wine.sh" --stop
    look | sort >"$notes/before"
    exit
fi

wait_for_processes
processes >"$notes/after.processes"
"$root/cmake/toolchains/wine.sh" --stop
{ cat "$notes/after.processes" && files; } | sort >"$notes/after"
left=$(comm -13 "$notes/before" "$notes/after")
if [[ -n $left ]]; then
    printf 'left behind:\n%s\n' "$left" >&2
    exit 1
fi
echo "nothing was left behind"
