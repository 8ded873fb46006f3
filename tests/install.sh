#!/usr/bin/env bash
# Tests the distribution, outside of the sources: its wheel, in an environment of its own and an empty folder, must
# contain all files that it needs, and `python -m tasks init` must be enough to begin.
set -euo pipefail

project=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mktemp -d)
unset PYTHONPATH PYTHONHOME LUIGI_CONFIG_PATH
stop() {
    cd "$folder/run" && "$folder/venv/bin/python" -m pipeline.embedded stop
    cd / && rm -rf "$folder"
}
fail() {
    echo "tests/install.sh: $1" >&2
    exit 1
}
# A copy, because setuptools leaves a build folder in the sources.
mkdir "$folder/source" "$folder/run"
cp -r "$project"/{pipeline,tasks,pyproject.toml,README.md,LICENSE} "$folder/source"
"${PYTHON:-python3}" -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install --quiet --require-hashes --requirement "$project/requirements.txt"
"$python" -m pip wheel --quiet --no-deps --no-build-isolation --check-build-dependencies \
    --wheel-dir "$folder" "$folder/source"
# With its dependencies, which are there: pip says so if the wheel asks for other versions.
"$python" -m pip install --quiet --no-index "$folder"/luigi_cassandra_load-*.whl
"$python" -m pip check --quiet
rm -r "$folder/source"
cd "$folder/run"
trap stop EXIT
if message=$("$folder/venv/bin/luigi" --module tasks VerifyUsers 2>&1); then
    fail "a load without luigi.cfg did not fail"
fi
[[ $message == *"there is no luigi.cfg"*"python -m tasks init"* ]] || fail "without luigi.cfg: $message"
"$python" -m tasks init
! "$python" -m tasks init 2>/dev/null || fail "init wrote a second time"
printf 'id,name\n1,Ada\n2,Bob\n' >people.csv
"$folder/venv/bin/luigi" --module tasks SuggestTable --input people.csv >/dev/null
"$folder/venv/bin/luigi" --module tasks LoadTable --table test.people --create output/suggested/test.people.cql \
    --input people.csv
"$folder/venv/bin/luigi" --module tasks VerifyTable --table test.people --input people.csv --exact
test -e output/loads/test.people/*/*/verified_exact.json
"$folder/venv/bin/luigi" --module tasks VerifyUsers --rows 20
test -e output/loads/test.user/*/*/verified.json
echo "tests/install.sh: the wheel, installed in an empty folder, loaded and verified a file and 20 generated rows"
