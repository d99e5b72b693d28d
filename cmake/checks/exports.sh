#!/usr/bin/env bash
# exports.sh LIBRARY: the shared library exports the public names and nothing else.
set -euo pipefail
library=$1

exported() {
    case $(uname -s) in
    Darwin) nm -gU "$library" | awk '{ sub(/^_/, "", $NF); print $NF }' ;;
    *) nm --dynamic --defined-only --format=posix "$library" | awk '{ print $1 }' ;;
    esac
}

names=$(exported)
[[ -n $names ]] || { echo "it exports nothing" >&2 && exit 1; }
echo "$(wc -l <<<"$names") names exported"
if grep -vE '^xipc_[a-z]' <<<"$names"; then
    echo "these are not public names" >&2
    exit 1
fi
