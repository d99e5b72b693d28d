#!/usr/bin/env bash
# check.sh holds|refutes|deep: verify the model of the ring with spin, in a directory of its own.
#   holds    what is to be true of it, in bounds that take a minute at most
#   refutes  that it would be found out if a part of the protocol were missing
#   deep     larger bounds: an hour, 4 GiB
set -euo pipefail
model=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/ring.pml
for tool in spin cc; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# verify KIND BOUNDS: searches all that can happen, and prints the line of the result. Kinds: end, that everything ends
# well; progress, that no process runs in circles for ever; sample, as end, but what does not fit into 2 GiB and ten minutes is left out
verify() {
    local -a compile=(-DSAFETY -DCOLLAPSE) search=()
    case $1 in
    progress) compile=(-DNP -DCOLLAPSE) search=(-l) ;;
    sample) compile=(-DSAFETY -DBITSTATE) search=(-w34 -Q10) ;;
    esac
    rm -f ./*
    # shellcheck disable=SC2086 # a list
    spin -a $2 "$model" >spin.log || { cat spin.log && return 1; }
    cc -O1 -w "${compile[@]}" -o verify pan.c
    ./verify -m100000 "${search[@]}" >result
    if grep -q 'max search depth too small' result; then
        cat result
        return 1
    fi
    grep -o 'errors: [0-9]*' result
}

# check WANTED KIND BOUNDS
check() {
    local found
    found=$(verify "$2" "$3") || { echo "$found" && exit 1; }
    grep -E 'states, stored|elapsed' result | tr -s '\n ' ' '
    echo "$2 $3: $found"
    [[ $found == "errors: $1" ]] || { cat result && exit 1; }
}

holds() {
    check 0 end "-DPUTTERS=2 -DGETTERS=1"
    check 0 end "-DPUTTERS=1 -DGETTERS=2"
    check 0 end "-DPUTTERS=1 -DGETTERS=1 -DMESSAGES=3 -DCAPACITY=2 -DDEATHS=1"
    check 0 end "-DPUTTERS=2 -DGETTERS=1 -DDEATHS=1"
    check 0 end "-DPUTTERS=1 -DGETTERS=2 -DDEATHS=1"
    check 0 end "-DPLACE -DPUTTERS=2 -DGETTERS=1"
    check 0 end "-DPLACE -DPUTTERS=1 -DGETTERS=1 -DMESSAGES=2 -DCAPACITY=2 -DDEATHS=1"
    check 0 end "-DPLACE -DPUTTERS=1 -DGETTERS=2 -DDEATHS=1"
    check 0 progress "-DPUTTERS=2 -DGETTERS=1"
    check 0 progress "-DPLACE -DPUTTERS=1 -DGETTERS=1 -DMESSAGES=2 -DDEATHS=1"
}

# Each leaves one thing out, named in the model.
refutes() {
    check 1 end "-DBROKEN_NO_SECOND_LOOK -DPUTTERS=1 -DGETTERS=1 -DMESSAGES=2"
    check 1 end "-DBROKEN_LOOK_FIRST -DPUTTERS=1 -DGETTERS=1 -DMESSAGES=2"
    check 1 end "-DBROKEN_SILENT -DPUTTERS=3 -DGETTERS=1 -DCAPACITY=3"
    check 1 end "-DBROKEN_NAME_LATER -DPUTTERS=1 -DGETTERS=2 -DDEATHS=1"
    check 1 end "-DBROKEN_NO_PROOF -DPUTTERS=1 -DGETTERS=2 -DDEATHS=1"
    check 1 end "-DBROKEN_NO_REPAIR -DPUTTERS=1 -DGETTERS=2 -DDEATHS=1"
    check 1 end "-DBROKEN_PUBLISH_FIRST -DPUTTERS=1 -DGETTERS=2 -DDEATHS=1 -DMESSAGES=2"
    check 1 end "-DBROKEN_FREE_FIRST -DPUTTERS=1 -DGETTERS=2 -DDEATHS=1 -DMESSAGES=2"
    check 1 end "-DBROKEN_RELEASE_FIRST -DPLACE -DPUTTERS=1 -DGETTERS=2 -DDEATHS=1 -DMESSAGES=2"
    check 1 progress "-DBROKEN_WAIT_FOR_DEAD -DPLACE -DPUTTERS=1 -DGETTERS=1 -DDEATHS=1"
}

deep() {
    holds
    refutes
    check 0 end "-DPUTTERS=1 -DGETTERS=1 -DMESSAGES=2 -DDEATHS=2"
    check 0 progress "-DPUTTERS=1 -DGETTERS=1 -DMESSAGES=2 -DDEATHS=1"
    check 0 end "-DPUTTERS=1 -DGETTERS=2 -DMESSAGES=2 -DDEATHS=1"
    check 0 end "-DPUTTERS=1 -DGETTERS=2 -DDEATHS=2"
    check 0 end "-DPLACE -DPUTTERS=2 -DGETTERS=1 -DDEATHS=1"
    check 0 end "-DPLACE -DPUTTERS=1 -DGETTERS=2 -DMESSAGES=2"
    check 0 sample "-DPUTTERS=3 -DGETTERS=1 -DCAPACITY=2 -DDEATHS=2"
    check 0 sample "-DPUTTERS=2 -DGETTERS=2 -DMESSAGES=2 -DCAPACITY=2 -DDEATHS=1"
    check 0 sample "-DPUTTERS=2 -DGETTERS=2 -DDEATHS=2"
    check 0 sample "-DPLACE -DPUTTERS=2 -DGETTERS=2 -DMESSAGES=2 -DCAPACITY=2 -DDEATHS=2"
}

case ${1-} in
holds | refutes | deep) "$1" ;;
*) exit 2 ;;
esac
