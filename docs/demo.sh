#!/bin/sh
# The main job, end to end, on a small drawn show. Run by `make demo`; every command is one you can type.
set -eu
demo=${DEMO:-demo}
run() { printf '\n$ animeds %s\n' "$*"; animeds "$@"; }

rm -rf "$demo"
mkdir -p "$demo"
export ANIMEDS_DB="$demo/show.animeds"

run sample "$demo/episodes"
run ingest "$demo/episodes" --profile tiny --credit "the animeds-db sample" --licence CC0-1.0
run status --format table
run query tag_counts -p threshold=0.5 -p limit=12 --format table
run sql "SELECT episode, count(*) AS frames, count(DISTINCT shot) AS shots, round(avg(sharpness)) AS sharpness FROM frames GROUP BY episode ORDER BY episode" --format table

# The guide "Automated anime character dataset": frames with 1girl, not 1boy, red_hair; captions that start with waifu.
# The small embedded tagger is often wrong below 0.5; with a real one leave both thresholds away.
run export by_tags -p has=1girl,red_hair -p has_none=1boy -p threshold=0.5 --threshold 0.5 --tag waifu "$demo/red-haired"

printf '\n%s:\n' "$demo/red-haired"
ls "$demo/red-haired" | head -n 9
first=$(find "$demo/red-haired" -name '*.txt' ! -name CREDITS.txt | sort | head -n 1)
printf '\n%s:\n%s\n' "$first" "$(cat "$first")"
