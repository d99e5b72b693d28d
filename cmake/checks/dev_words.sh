#!/usr/bin/env bash
# dev_words.sh ROOT: ./dev lists its words wherever it is called from, and refuses others; the documents name no other
# word, and dev.cmd knows the words that it lists.
set -euo pipefail
cd "$1"
status=0

complain() {
    echo "$*" >&2
    status=1
}

words=$(cd tests && ../dev help 2>/dev/null | awk '{ print $1 }')
[[ $words == *help*demo*test*clean* ]] || complain "./dev help does not list its words"
for word in nothing '' 'a b' '--help'; do
    code=0
    ./dev "$word" >/dev/null 2>&1 || code=$?
    [[ $code -eq 2 || ($word == '' && $code -eq 0) ]] || complain "./dev '$word' ends with $code"
done

while read -r word; do
    grep -qx "$word" <<<"$words" || complain "there is no ./dev $word, which a document names"
done < <(grep -rhoE '`\./dev [a-z]+|^\./dev [a-z]+' ./*.md docs | awk '{ print $2 }' | sort -u)

while read -r word; do
    grep -qx "$word" <<<"$words" || complain "dev.cmd has a word of its own: $word"
    [[ $word == help ]] || grep -q "^:$word\b" dev.cmd || complain "dev.cmd lists $word and does not know it"
done < <(sed -n 's/^echo   \([a-z]*\) .*/\1/p' dev.cmd)
exit "$status"
