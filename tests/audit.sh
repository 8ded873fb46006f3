#!/usr/bin/env bash
# Known vulnerabilities in the packages of requirements-dev.txt (which includes requirements.txt), of the bench, of the exports and of the site.
# If the database cannot be reached, one line says so, and the exit status is 0. Arguments are passed to pip-audit.
set -euo pipefail

CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# OSV, because the audit by PyPI treats a package that a proxy does not know as one without vulnerabilities.
options=(--vulnerability-service osv --strict --disable-pip --require-hashes --progress-spinner off --timeout 10)
for file in requirements-dev.txt bench/requirements.txt tests/exports/requirements.txt docs/requirements.txt; do
    if output=$(.venv/bin/pip-audit "${options[@]}" --requirement "$file" "$@" 2>&1); then
        echo "pip-audit: $file: $output"
    # No connection, an invalid answer, or a refusal: pip-audit has failed before it checked any package.
    elif reason=$(tail --lines 2 <<<"$output" | grep --extended-regexp \
        '^(requests\.exceptions\.|pip_audit\._service\.interface\.ServiceError)|Could not connect to OSV'); then
        echo "pip-audit: the audit was skipped, because its database cannot be reached: ${reason:0:100}..."
        exit 0
    else
        echo "pip-audit: $file: $output" >&2
        exit 1
    fi
done
