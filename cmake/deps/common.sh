# shellcheck shell=bash
# Shared by the scripts beside it: where things are cached, and the sources of APR and CUnit.
# They come from the distribution's own source packages, so a cross build has the versions of the
# native one, and nothing but apt is asked for them.

deps_cache=${XIPC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/xipc}

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || die "$tool is not installed"
    done
}

# One at a time: a second run waits here, and then finds the work done. What a killed run left goes.
lock_cache() {
    mkdir -p "$deps_cache"
    exec 9>"$deps_cache/lock"
    flock 9
    rm -rf "$deps_cache"/{work,sources}.??????
}

# The scripts' own text is the version of what they leave.
recipe_id() { cat "$@" | cksum | tr ' ' '-'; }

is_done() { [[ -e $1/done && $(<"$1/done") == "$2" ]]; }

# The prefix appears under its name only when it is whole, so an interrupted run leaves nothing to trust.
publish() {
    local built=$1 prefix=$2 id=$3
    printf '%s\n' "$id" >"$built/done"
    rm -rf "$prefix"
    mv "$built" "$prefix"
}

# The configured lists as deb-src, in a state directory of our own: needs no root, changes no system file.
source_lists() {
    local state=$1 file
    mkdir -p "$state"/{parts,lists/partial,archives/partial}
    rm -f "$state"/parts/*
    for file in /etc/apt/sources.list.d/*.sources; do
        [[ -e $file ]] || continue
        sed 's/^Types:.*/Types: deb-src/' "$file" >"$state/parts/${file##*/}"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [[ -e $file ]] || continue
        sed -n 's/^deb /deb-src /p' "$file" >"$state/parts/${file##*/}.list"
    done
}

apt_source() {
    local state=$1
    shift
    apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$state/parts" \
        -o Dir::State::Lists="$state/lists" -o Dir::Cache="$state" \
        -o Dir::Cache::Archives="$state/archives" -o APT::Sandbox::User="$(id -un)" "$@"
}

# Each step by &&: in what stands before a || the shell goes on after a failure.
unpack_sources() {
    local work=$1
    cd "$work" &&
        apt_source "$work/apt" update &&
        apt_source "$work/apt" source --download-only apr cunit &&
        dpkg-source --no-check -x apr_*.dsc apr &&
        dpkg-source --no-check -x cunit_*.dsc cunit &&
        rm -rf apt
}

# Leaves the unpacked sources in $deps_cache/sources/{apr,cunit}.
fetch_sources() {
    local sources=$deps_cache/sources work
    is_done "$sources" 2 && return
    need apt-get dpkg-source
    work=$(mktemp -d "$deps_cache/sources.XXXXXX")
    source_lists "$work/apt"
    (unpack_sources "$work") >"$deps_cache/sources.log" 2>&1 || {
        tail -n 5 "$deps_cache/sources.log" >&2
        die "the source packages apr and cunit can't be had, see $deps_cache/sources.log"
    }
    publish "$work" "$sources" 2
}

# build_cunit CC AR FLAGS SOURCES PREFIX WORK: the framework and the two console interfaces.
build_cunit() {
    local cc=$1 ar=$2 flags=$3 cunit=$4/CUnit prefix=$5 work=$6 file
    mkdir -p "$work" "$prefix/include/CUnit" "$prefix/lib"
    for file in "$cunit"/Sources/Framework/*.c "$cunit"/Sources/{Basic/Basic,Automated/Automated}.c; do
        # shellcheck disable=SC2086 # a list of flags
        "$cc" $flags -DVERSION='"2.1-3"' -DPACKAGE='"CUnit"' -I"$cunit/Headers" -c "$file" \
            -o "$work/$(basename "$file" .c).o"
    done
    "$ar" crs "$prefix/lib/libcunit.a" "$work"/*.o
    cp "$cunit"/Headers/*.h "$prefix/include/CUnit/"
}
