#!/usr/bin/env bash
# step.sh WORK NAME COMMAND...: runs a step of the recipe, says how long it took, and adds a line to WORK/steps.tsv.
set -uo pipefail
work=$1 name=$2
shift 2
mkdir -p "$work"
[ -e "$work/steps.tsv" ] || printf 'step\tbegan\tseconds\tresult\n' >"$work/steps.tsv"
echo "== $name"
began=$(date -u +%Y-%m-%dT%H:%M:%SZ) start=$(date +%s.%N)
"$@"
result=$?
seconds=$(echo "$start $(date +%s.%N)" | awk '{ printf "%.1f", $2 - $1 }')
printf '%s\t%s\t%s\t%s\n' "$name" "$began" "$seconds" "$result" >>"$work/steps.tsv"
echo "== $name: $seconds s"
exit "$result"
