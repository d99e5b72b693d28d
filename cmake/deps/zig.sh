#!/usr/bin/env bash
# zig.sh TARGET...: a compiler and static APR and CUnit for systems that can't be run here, in the cache.
#   targets: aarch64-macos x86_64-macos x86_64-freebsd
# Exit code 77: there is no zig compiler to be had, so nothing was done.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=cmake/deps/common.sh
. "$here/common.sh"

zig_version=0.17.1
zig_home=$deps_cache/zig-$zig_version

skip() {
    say "skipped: no zig compiler: $*"
    exit 77
}

# In a virtual environment: Debian's pip refuses to install for the whole system.
install_zig() {
    [[ -e $zig_home/done ]] && return
    local log=$deps_cache/zig.log
    command -v python3 >/dev/null || skip "python3 is not installed"
    rm -rf "$zig_home"
    python3 -m venv "$zig_home" >"$log" 2>&1 || skip "python3 -m venv failed, see $log"
    "$zig_home/bin/python" -m pip install --quiet "ziglang==$zig_version" >>"$log" 2>&1 ||
        skip "the package ziglang $zig_version can't be installed, see $log"
    : >"$zig_home/done"
}

zig_program() {
    "$zig_home/bin/python" -c 'import os, ziglang; print(os.path.join(os.path.dirname(ziglang.__file__), "zig"))'
}

# wrapper FILE ARGUMENT...: a program file that calls zig with these arguments first
wrapper() {
    local file=$1 zig
    shift
    zig=$(zig_program)
    # shellcheck disable=SC2016 # for the wrapper
    printf '#!/bin/sh\nZIG_GLOBAL_CACHE_DIR=${ZIG_GLOBAL_CACHE_DIR:-"%s"} exec "%s" %s "$@"\n' \
        "$deps_cache/zig-cache" "$zig" "$*" >"$file"
    chmod +x "$file"
}

# zig knows no -bundle, by which CMake makes what is to be loaded at run time; a dylib is loaded as well.
compiler_wrapper() {
    local file=$1 target=$2
    wrapper "$file" cc -target "$target"
    case $target in
    *-macos)
        # shellcheck disable=SC2016 # for the wrapper
        sed -i '2i for a; do shift; [ "$a" != -bundle ] || a=-dynamiclib; set -- "$@" "$a"; done' "$file"
        ;;
    esac
}

# What configure would find out by running a program.
configure_answers() {
    local no=apr_cv_epoll=no
    case $1 in
    *-macos) # the headers declare pipe2, dup3 and accept4, which older systems lack
        no+=" apr_cv_dup3=no apr_cv_accept4=no apr_cv_sock_cloexec=no apr_cv_mutex_robust_shared=no"
        no+=" ac_cv_func_dup3=no ac_cv_func_accept4=no ac_cv_func_pipe2=no"
        ;;
    *-freebsd) no+=" apr_cv_dup3=yes apr_cv_accept4=yes apr_cv_sock_cloexec=yes apr_cv_mutex_robust_shared=yes" ;;
    esac
    printf '%s\n' "$no" ac_cv_file__dev_zero=yes ac_cv_mmap__dev_zero=yes ac_cv_func_setpgrp_void=yes \
        apr_cv_process_shared_works=yes apr_cv_mutex_recursive=yes apr_cv_tcp_nodelay_with_cork=no \
        apr_cv_tcp_nodelay_inherited=yes ac_cv_o_nonblock_inherited=no apr_cv_use_lfs64=no \
        ac_cv_sizeof_struct_iovec=16 ac_cv_struct_rlimit=yes ac_cv_strerror_r_rc_int=yes \
        ac_cv_working_getaddrinfo=yes ac_cv_working_getnameinfo=yes apr_cv_gai_addrconfig=yes \
        apr_cv_pthreads_cflags=none ap_cv_atomic_builtins=yes ap_cv__atomic_builtins=yes \
        ap_cv_atomic_builtins64=yes ap_cv__atomic_builtins64=yes
}

host_triple() {
    case $1 in
    *-macos) echo "${1%%-*}-apple-darwin24" ;;
    *-freebsd) echo "${1%%-*}-unknown-freebsd14" ;;
    esac
}

build_apr() {
    local target=$1 source=$2 out=$3 file answers
    # APR's own copies are too old for some of the hosts
    for file in config.sub config.guess; do
        [[ ! -f /usr/share/misc/$file ]] || cp "/usr/share/misc/$file" "$source/build/"
    done
    read -r -d '' -a answers < <(configure_answers "$target") || true
    (
        cd "$source" &&
            env "${answers[@]}" CC="$out/bin/cc" AR="$out/bin/ar" RANLIB="$out/bin/ranlib" CC_FOR_BUILD=gcc \
                CFLAGS="-O2 -g -w -fPIC" ./configure --host="$(host_triple "$target")" --build=x86_64-pc-linux-gnu \
                --disable-shared --enable-static --enable-threads &&
            make -j"$(nproc)"
    ) >"$deps_cache/$target.log" 2>&1 9>&- || die "APR for $target failed, see $deps_cache/$target.log"
    cp "$source/.libs/libapr-1.a" "$out/lib/"
    cp "$source"/include/apr*.h "$out/include/apr-1/"
}

build() {
    local target=$1 work=$2 sources=$deps_cache/sources
    local out=$work/prefix
    mkdir -p "$out"/{bin,include/apr-1,lib}
    compiler_wrapper "$out/bin/cc" "$target"
    wrapper "$out/bin/ar" ar
    wrapper "$out/bin/ranlib" ranlib
    cp -a "$sources/apr" "$work/apr"
    build_apr "$target" "$work/apr" "$out"
    build_cunit "$out/bin/cc" "$out/bin/ar" "-O2 -g -w -fPIC" "$sources/cunit" "$out" "$work/cunit"
}

ensure() (
    target=$1 prefix=$deps_cache/$1
    id=$(recipe_id "$here/zig.sh" "$here/common.sh")
    if ! is_done "$prefix" "$id"; then
        need gcc make
        say "building APR and CUnit for $target"
        fetch_sources
        work=$(mktemp -d "$deps_cache/work.XXXXXX")
        # shellcheck disable=SC2064 # the name as it is now
        trap "rm -rf '$work'" EXIT
        build "$target" "$work"
        publish "$work/prefix" "$prefix" "$id"
    fi
    printf '%s\n' "$prefix"
)

main() {
    local target
    [[ $# -gt 0 ]] || die "name a target"
    for target in "$@"; do
        [[ -n $(host_triple "$target") ]] || die "no recipe for $target"
    done
    lock_cache
    install_zig
    for target in "$@"; do
        ensure "$target"
    done
}

main "$@"
