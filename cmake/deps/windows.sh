#!/usr/bin/env bash
# windows.sh: APR as a DLL and CUnit as an archive for x86_64-windows, in the cache; prints the prefix.
# A DLL, since a program and the shared libraries it loads must have one APR and one xipc between them. APR's own build
# for Windows knows Microsoft's tools only, so its files are compiled one by one; which those are is read from its
# CMakeLists.txt.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=cmake/deps/common.sh
. "$here/common.sh"

triple=x86_64-w64-mingw32
prefix=$deps_cache/x86_64-windows
system_libraries=(-lws2_32 -lmswsock -lrpcrt4 -lshell32 -ladvapi32 -liphlpapi)

# Headers which APR expects and which are not there, or not under that name.
write_headers() {
    local apr=$1 include=$2
    # 0x0602 is Windows 8
    sed -e 's/@win32_winnt_str@/0x0602/; s/@apr_have_ipv6_10@/1/' "$apr/include/apr.hwc" >"$include/apr.h"
    # WIN32 here selects the table to print, not the system that prints it
    gcc -DWIN32 -DCROSS_COMPILE -o "$include/gen_test_char" "$apr/tools/gen_test_char.c"
    "$include/gen_test_char" >"$include/apr_escape_test_char.h"
    echo '#include <shellapi.h>' >"$include/ShellAPI.h" # a file system that minds the case
    # nothing declares these two here
    cat >"$include/ifname.h" <<'C'
unsigned long __stdcall if_nametoindex(const char *);
char *__stdcall if_indextoname(unsigned long, char *);
C
}

apr_files() {
    awk '/^SET\(APR_SOURCES/ { on = 1; next } on && /^\)/ { exit } on' "$1/CMakeLists.txt"
}

compile_apr() {
    local apr=$1 include=$2 objects=$3
    local flags=(-O2 -g -w -std=gnu11 -DWINNT -DWIN32 -DAPR_DECLARE_EXPORT
        -DCOM_NO_WINDOWS_H # or windows.h brings ole2 and its names in
        -DNET_IFINDEX=ULONG -DNETIOAPI_API_=WINAPI -DIF_NAMESIZE=256 # netioapi.h comes before what it needs
        -DHAVE_ATOMIC_BUILTINS=1 -DHAVE_ATOMIC_BUILTINS64=1 # or it wants the 64-bit ones made of a mutex as well
        -include "$include/ifname.h" -I"$include" -I"$apr/include" -I"$apr/include/arch/win32"
        -I"$apr/include/arch/unix" -I"$apr/include/private")
    # shellcheck disable=SC2016 # for the inner shell
    apr_files "$apr" | tr -s ' \t' '\n' | sed '/^$/d' |
        xargs -P "$(nproc)" -I{} bash -c 'file=$1; shift; exec "$@" "$file" -o "$0/${file//\//_}.o"' \
            "$objects" {} "$triple-gcc" "${flags[@]}" -I"$apr" -c
}

build() {
    local work=$1 sources=$deps_cache/sources
    local out=$work/prefix
    mkdir -p "$work"/{include,apr} "$out"/{bin,include/apr-1,lib}
    write_headers "$sources/apr" "$work/include"
    (cd "$sources/apr" && compile_apr . "$work/include" "$work/apr")
    "$triple-gcc" -shared -static-libgcc -o "$out/bin/libapr-1.dll" "$work"/apr/*.o \
        -Wl,--out-implib,"$out/lib/libapr-1.dll.a" -Wl,--build-id "${system_libraries[@]}"
    cp "$sources"/apr/include/apr*.h "$out/include/apr-1/"
    cp "$work/include/apr.h" "$out/include/apr-1/"
    build_cunit "$triple-gcc" "$triple-ar" "-O2 -g -w -std=gnu11" "$sources/cunit" "$out" "$work/cunit"
}

main() {
    local id work
    id=$(recipe_id "$here/windows.sh" "$here/common.sh")
    lock_cache
    if ! is_done "$prefix" "$id"; then
        need gcc "$triple-gcc" "$triple-ar"
        say "building APR and CUnit for $triple"
        fetch_sources
        work=$(mktemp -d "$deps_cache/work.XXXXXX")
        # shellcheck disable=SC2064 # the name as it is now
        trap "rm -rf '$work'" EXIT
        build "$work"
        publish "$work/prefix" "$prefix" "$id"
    fi
    printf '%s\n' "$prefix"
}

main
