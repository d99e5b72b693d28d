#!/usr/bin/env bash
# run.sh PYTHON HERE PEER VERSION KIND KEY [large]: VERSION "own" is Python's own multiprocessing.
set -euo pipefail
python=$1 here=$2 peer=$3 version=$4
shift 4
which=multiprocessing
available=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo 2>/dev/null || true)
if [[ $* == *large* && ${available:-0} -lt 12000000 ]]; then
    echo "12 GB of memory are wanted for this"
    exit 77
fi
if [[ $version != own ]]; then
    peers=$("$here/../../cmake/deps/python-peers.sh") || exit 77
    python=$peers/bin/python
    which=$peers/py$version
    [[ -d $which ]] || {
        echo "the package has no modules of Python $version"
        exit 77
    }
fi
exec "$python" "$here/interop.py" "$peer" "$which" "$@"
