#!/usr/bin/env bash
# Tests the project as installed by `pip install .`, outside of its sources: it must contain all files it needs.
set -euo pipefail

project=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mktemp -d)
unset PYTHONPATH PYTHONHOME LUIGI_CONFIG_PATH
stop() {
    cd "$folder/run" && "$folder/venv/bin/python" -m pipeline.embedded stop
    cd / && rm -rf "$folder"
}
# A copy, because setuptools leaves a build folder in the sources.
mkdir "$folder/source" "$folder/run"
cp -r "$project"/{pipeline,tasks,pyproject.toml,README.md,LICENSE} "$folder/source"
"${PYTHON:-python3}" -m venv "$folder/venv"
install=("$folder/venv/bin/python" -m pip install --quiet)
"${install[@]}" --require-hashes --requirement "$project/requirements.txt"
"${install[@]}" --no-build-isolation --check-build-dependencies "$folder/source"
cp "$project/luigi.cfg" "$folder/run"
cd "$folder/run"
trap stop EXIT
"$folder/venv/bin/luigi" --module tasks VerifyUsers --rows 20
test -e output/loads/test.user/*/*/verified.json
echo "tests/install.sh: an installed copy loaded and verified 20 rows"
