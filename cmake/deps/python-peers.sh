#!/usr/bin/env bash
# python-peers.sh: prints a folder with a Python (bin/python) and the multiprocessing of newer Pythons beside it, in
# folders py3.12 …; made once, in the cache. Exit code 77 where it can't be had.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=cmake/deps/common.sh
source "$here/common.sh"

version=0.70.19
out=$deps_cache/python-peers-$version

make_it() {
    rm -rf "$out"
    python3 -m venv "$out" &&
        "$out/bin/python" -m pip install --quiet --disable-pip-version-check dill &&
        "$out/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
            --dest "$out" "multiprocess==$version" &&
        tar -x -f "$out/multiprocess-$version.tar.gz" -C "$out" --strip-components=1 &&
        touch "$out/done"
}

mkdir -p "$deps_cache"
exec 9>"$deps_cache/python-peers.lock"
flock 9
[[ -e $out/done ]] || make_it >"$deps_cache/python-peers.log" 2>&1 || {
    echo "no Python peers: see $deps_cache/python-peers.log" >&2
    exit 77
}
echo "$out"
