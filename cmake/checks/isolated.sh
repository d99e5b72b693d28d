#!/usr/bin/env bash
# isolated.sh COMMAND...: runs a command with a /dev/shm, message queues and a TMPDIR of its own, so that what it leaves
# there can be told from what others do. Only TMPDIR where that is not allowed.
set -euo pipefail
home=$(mktemp -d /tmp/xipc.XXXXXX)
trap 'rm -rf --one-file-system "$home"' EXIT
mkdir "$home/tmp" "$home/mqueue"

# The mounts are in a namespace and end with it.
# shellcheck disable=SC2016 # for the inner shell
mounts='mount -t tmpfs -o mode=1777 none /dev/shm && mount -t mqueue none "$XIPC_ISOLATED/mqueue" && exec "$@"'
isolate() { XIPC_ISOLATED=$home unshare --mount --ipc --propagation private sh -c "$mounts" isolated "$@"; }

export TMPDIR=$home/tmp
if [[ $EUID -eq 0 ]] && isolate true 2>/dev/null; then
    isolate "$@"
else
    "$@"
fi
