#!/usr/bin/env bash
# documents.sh SOURCE: links and file names in the documents lead somewhere, and README's program is the example.
# shellcheck disable=SC2016 # backquotes are Markdown here
set -euo pipefail
cd "$1"
status=0

complain() {
    echo "$*"
    status=1
}

while IFS= read -r document; do
    folder=$(dirname "$document")
    while IFS= read -r link; do
        case $link in
        http*://* | '#'* | mailto:*) continue ;;
        esac
        [[ -e $folder/${link%%#*} ]] || complain "$document: no such file: $link"
    done < <(grep -oE '\]\([^) ]+\)' "$document" | sed 's/^](//; s/)$//')
done < <(find . -name '*.md' -not -path './build/*' -not -path './.git/*')

while IFS= read -r name; do
    [[ -e $name ]] || complain "docs/architecture.md: no such file: $name"
done < <(grep -oE '`(include|src|tests|examples|cmake)/[A-Za-z0-9_./-]+`' docs/architecture.md | tr -d '`' | sort -u)

diff <(sed -n '/^```c$/,/^```$/p' README.md | sed '1d; /^```$/,$d') examples/hello/main.c ||
    complain "README.md: its program is not examples/hello/main.c"
exit "$status"
