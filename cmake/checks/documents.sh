#!/usr/bin/env bash
# documents.sh SOURCE: links, headings and file names in the documents lead somewhere, README's program is the example,
# and the table of docs/architecture.md leaves nothing out.
# shellcheck disable=SC2016 # backquotes are Markdown here
set -euo pipefail
cd "$1"
status=0

complain() {
    echo "$*"
    status=1
}

# The names by which links lead to a document's headings.
headings() {
    sed -nE 's/^#+ +//p' "$1" | tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'
}

# check_link DOCUMENT TARGET
check_link() {
    local document=$1 target=$2 file
    case $target in
    http*://* | mailto:*) return ;;
    esac
    file=$document
    [[ ${target%%#*} == "" ]] || file=$(dirname "$document")/${target%%#*}
    [[ -e $file ]] || complain "$document: no such file: $target"
    if [[ $target == *'#'* && -f $file ]]; then
        headings "$file" | grep -qxF -- "${target#*#}" || complain "$document: no such heading: $target"
    fi
}

while IFS= read -r document; do
    while IFS= read -r target; do
        check_link "$document" "$target"
    done < <(grep -oE '\]\([^) ]+\)' "$document" | sed 's/^](//; s/)$//')
done < <(find . -name '*.md' -not -path './build/*' -not -path './.git/*')

while IFS=: read -r document name; do
    name=${name//\`/}
    [[ -e $name ]] || complain "$document: no such file: $name"
done < <(grep -oE '`(include|src|tests|examples|cmake|docs|bench)/[A-Za-z0-9_./-]+`' README.md SECURITY.md docs/*.md)

for file in include/xipc/*.h src/*/*.c tests/test_*.c tests/unit/test_*.c examples/*/; do
    grep -qF "\`${file%/}\`" docs/architecture.md || complain "docs/architecture.md: its table leaves out ${file%/}"
done

diff <(sed -n '/^```c$/,/^```$/p' README.md | sed '1d; /^```$/,$d') examples/hello/main.c ||
    complain "README.md: its program is not examples/hello/main.c"
exit "$status"
