#!/usr/bin/env bash
# build.sh PRESET [TARGET...]: configures a preset and builds it, or only some targets of it.
set -euo pipefail
cmake --preset "$1" >/dev/null
cmake --build --preset "$1" ${2:+--target "${@:2}"}
