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

mapfile -t names < <(exported)
echo "${#names[@]} names exported"
[[ ${#names[@]} -gt 0 ]] || { echo "it exports nothing" >&2 && exit 1; }
if printf '%s\n' "${names[@]}" | grep -vE '^xipc_[a-z]'; then
    echo "these are not public names" >&2
    exit 1
fi
