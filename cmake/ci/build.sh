#!/usr/bin/env bash
# build.sh PRESET: configures and builds one preset.
set -euo pipefail
cmake --preset "$1" >/dev/null
cmake --build --preset "$1"
