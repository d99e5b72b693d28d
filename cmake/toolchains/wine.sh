#!/usr/bin/env bash
# wine.sh PROGRAM [ARGUMENT...]: runs a Windows program under Wine, in a prefix of its own in the cache,
# made at the first use. `wine.sh --stop` ends what Wine keeps running there, and waits for it.
set -euo pipefail
cache=${XIPC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/xipc}

export WINEPREFIX=$cache/wine WINEARCH=win64
unset TMPDIR # or each value of it has a server of its own
export WINEDEBUG=${WINEDEBUG:--all}
# no dump for each test that crashes on purpose, no offers to install Mono and Gecko
export WINEDLLOVERRIDES=${WINEDLLOVERRIDES:-'winedbg.exe=d;mscoree=d;mshtml=d'}

server() {
    local found
    for found in "$(command -v wineserver || true)" /usr/lib/wine/wineserver{,64}; do
        [[ -x $found ]] && exec "$found" "$@"
    done
    echo "wine.sh: no wineserver" >&2
    return 1
}

make_prefix() (
    exec 9>"$cache/wine.lock"
    flock 9
    [[ -e $WINEPREFIX/ready ]] && return
    rm -rf "$WINEPREFIX"
    # the server outlives this call, and would hold the lock
    env -u DISPLAY wineboot --init >"$cache/wine.log" 2>&1 9>&- </dev/null || {
        echo "wine.sh: wineboot failed, see $cache/wine.log" >&2
        return 1
    }
    (server -w 9>&-)
    : >"$WINEPREFIX/ready"
)

# The server's socket is in /tmp, in a directory named after the prefix or, on Debian, written there.
socket_directory() {
    local device inode
    if [[ -e $WINEPREFIX/wineserver ]]; then
        printf '/tmp/%s' "$(<"$WINEPREFIX/wineserver")"
    else
        read -r device inode < <(stat -c '%D %i' "$WINEPREFIX")
        printf '/tmp/.wine-%d/server-%s-%x' "$UID" "$device" "$inode"
    fi
}

stop() {
    [[ -e $WINEPREFIX/ready ]] || return 0
    (server -k) 2>/dev/null || true
    (server -w) || true
    rm -rf "$(socket_directory)"
    rmdir "/tmp/.wine-$UID" 2>/dev/null || true
}

if [[ ${1-} == --stop ]]; then
    stop
    exit
fi
mkdir -p "$cache"
[[ -e $WINEPREFIX/ready ]] || make_prefix

# Linux places the memory of a process at random, now and then (1 start of some 5000) where Wine wants a page of its own:
# then the start fails. Not every container lets us ask for fixed places.
fixed=()
if setarch -R true 2>/dev/null; then fixed=(setarch -R); fi

# The first program of a session starts Wine's own ones, which keep its streams open as long as they live. So the program
# writes to files without a name, and what reads them ends with the program.
streams=$(mktemp -d)
# shellcheck disable=SC2094 # one end writes what the other reads: that is meant
exec 3>"$streams/out" 4<"$streams/out" 5>"$streams/err" 6<"$streams/err"
rm -r "$streams"
"${fixed[@]}" wine "$@" >&3 2>&5 3>&- 4<&- 5>&- 6<&- </dev/null &
program=$!
trap 'kill "$program" 2>/dev/null' TERM INT
tail -c +1 -s 0.05 --pid="$program" -f <&4
cat <&6 >&2
wait "$program"
