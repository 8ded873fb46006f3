#!/usr/bin/env bash
# Loads and verifies what yesterday brought for one table, and says in one line how it went: nightly.sh TABLE
# The files of the table are named in luigi.cfg, in its section: [table shop.orders].
set -uo pipefail

table=$1
project=/srv/load
log=$project/output/nightly/$table.log
mkdir -p "$(dirname "$log")"

"$project/.venv/bin/luigi" --module tasks VerifyTable --table "$table" --date yesterday >>"$log" 2>&1
status=$?

case $status in
    0) exit 0 ;; # loaded and verified, or nothing to do
    10) echo "$table: the same load is running already; nothing to do" ;;
    20) echo "$table: the files of yesterday are not there yet; run it again when they are" ;;
    30) echo "$table: the load or its verification failed; run it again to go on, after a look into $log" ;;
    35 | 40) echo "$table: a setting is wrong, or the cluster cannot be reached; running it again does not help" ;;
    *) echo "$table: exit code $status" ;;
esac
tail -n 20 "$log"
exit "$status"
