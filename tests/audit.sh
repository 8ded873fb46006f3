#!/usr/bin/env bash
# Known vulnerabilities in what requirements-dev.txt (requirements.txt is part of it) and bench/requirements.txt pin.
# Where the database is out of reach, one line says so, and nothing fails. Arguments go to pip-audit.
set -euo pipefail

CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# OSV, because the audit by PyPI takes a package that a proxy does not know for one without vulnerabilities.
options=(--vulnerability-service osv --strict --disable-pip --require-hashes --progress-spinner off --timeout 10)
for file in requirements-dev.txt bench/requirements.txt; do
    if said=$(.venv/bin/pip-audit "${options[@]}" --requirement "$file" "$@" 2>&1); then
        echo "pip-audit: $file: $said"
    # No connection, an answer that is none, or a refusal: all that pip-audit ends with before it has looked at anything.
    elif reason=$(tail --lines 2 <<<"$said" | grep --extended-regexp \
        '^(requests\.exceptions\.|pip_audit\._service\.interface\.ServiceError)|Could not connect to OSV'); then
        echo "pip-audit: the audit was skipped, because its database cannot be reached: ${reason:0:100}..."
        exit 0
    else
        echo "pip-audit: $file: $said" >&2
        exit 1
    fi
done
