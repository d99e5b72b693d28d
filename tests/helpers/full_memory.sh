#!/usr/bin/env bash
# full_memory.sh BUILD MEMORY: with a small or full /dev/shm and /tmp making a queue and growing it are errors, no crash,
# and leave nothing behind. The mounts are in a namespace that ends with the test; without the right to it: skipped.
set -euo pipefail
build=$1 memory=$2

if [[ ${3-} != inside ]]; then
    if ! unshare --mount --propagation private mount -t tmpfs none /dev/shm 2>/dev/null; then
        echo "skipped: no right to mount"
        exit 77
    fi
    exec unshare --mount --propagation private "${BASH_SOURCE[0]}" "$build" "$memory" inside
fi

# where it is whatever is mounted elsewhere
mount --bind "$build" /mnt
export LD_LIBRARY_PATH=/mnt

try() {
    echo "$*"
    /mnt/tests/test_tool queue "$@"
}

# Nothing but what was there may be in the place.
clean() {
    local left
    left=$(find "$1" -mindepth 1 ! -name filler)
    if [[ -n $left ]]; then
        printf 'left behind:\n%s\n' "$left" >&2
        exit 1
    fi
}

mount -t tmpfs -o size=4m none /dev/shm
mount -t tmpfs -o size=4m none /tmp
if [[ $memory == shm ]]; then
    try create-full ""
    try create-full named
    try put-full ""
    try put-full named
    try grow-full ""
    try grow-full named
fi
clean /dev/shm
clean /tmp

# no room for the entry of a name, wherever it is
dd if=/dev/zero of=/dev/shm/filler bs=4k count=2000 2>/dev/null || true
dd if=/dev/zero of=/tmp/filler bs=4k count=2000 2>/dev/null || true
try create-full named
clean /dev/shm
clean /tmp

# no place for more files
umount /dev/shm /tmp
mount -t tmpfs -o size=100m,nr_inodes=1 none /dev/shm
mount -t tmpfs -o size=100m,nr_inodes=4 none /tmp
try create-full named
clean /dev/shm
clean /tmp
