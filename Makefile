# Every target may be repeated, run twice at once, or ended by Ctrl-C. bootstrap.py makes .venv and says how.
PYTHON ?= python3
ARGS ?=
# For every Python from 3.11 on; the index is whichever the machine has set, and is not written down.
LOCK = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make requirements" $(ARGS)

# What another project has exported would be found before what is installed here.
unexport PYTHONPATH PYTHONHOME

# Targets named together run in the order they are named: `make -j clean run` cleans first.
.NOTPARALLEL:
.PHONY: help run report test test-unit test-page test-install check settings-docs requirements bench bench-one-node bench-three-nodes bench-commits bench-alone bench-experiment faults faults-short start stop status clean venv venv-dev

help:  ## List what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' Makefile
	@echo "ARGS=... reaches the command behind run, report, test, start; PYTHON=... names the Python to make .venv from."

run: venv  ## Load 1,000 rows every way, print the timing table and where its files are
	.venv/bin/luigi --module tasks TimingReport $(ARGS)

report: venv  ## Time nine ways to write at five latencies, sweep pool sizes, write one page: half an hour
	.venv/bin/luigi --module tasks ContenderReport $(ARGS)

test: venv-dev  ## Run every test
	.venv/bin/pytest $(ARGS)

test-unit: venv-dev  ## Run the tests that need no server, in a minute
	.venv/bin/pytest -m 'not server and not slow' -n auto --dist loadfile $(ARGS)

test-page: venv-dev  ## Look at a report's page in Chromium; needs the Debian package chromium
	.venv/bin/pytest $(ARGS) tests/measure/page

test-install:  ## Install into an environment of its own, and load a few rows from another folder
	PYTHON="$(PYTHON)" tests/install.sh

check: venv-dev  ## Lint, formatting, types, dependencies, spelling, links, paths and sizes, known vulnerabilities
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/deptry pipeline tasks
	@# What only tests and benches import may be a development requirement, and what they do not import is used.
	.venv/bin/deptry --ignore DEP002,DEP004 bench faults tests
	.venv/bin/codespell
	.venv/bin/python -m tests.references
	.venv/bin/python -m tests.sizes
	tests/audit.sh

settings-docs: venv  ## Write luigi.cfg's sections and docs/settings.md's tables from the declarations in the code
	.venv/bin/python -m pipeline.sections.documents

# A version stays as it is while it fits; pyproject.toml names the new one, ARGS="--upgrade-package NAME" the rest.
requirements: venv-dev  ## Write requirements*.txt, with hashes, from what pyproject.toml names
	$(LOCK) pyproject.toml --output-file requirements.txt
	$(LOCK) pyproject.toml --group dev --constraint requirements.txt --output-file requirements-dev.txt
	$(LOCK) --group pyproject.toml:bench --output-file bench/requirements.txt

bench: bench-one-node bench-three-nodes bench-alone bench-experiment  ## All benches, about three hours

bench-one-node: venv .venv-bench/.stamp  ## Other loaders, about two hours; ARGS="--tables users" for half an hour
	.venv/bin/python -m bench.run $(ARGS)

bench-three-nodes: venv .venv-bench/.stamp  ## Other loaders on three nodes with QUORUM, half an hour
	.venv/bin/python -m bench.run --name three-nodes --nodes 3 --consistency QUORUM --tables users --rows 300000 \
		--contenders "server limit" "ours, batch" "ours, prepared" "acsylla, batch" "acsylla, small batch" \
		"scyllapy, batch" "cqlsh COPY" execute_concurrent "DSBulk, replica set"

bench-commits: venv  ## Two commits' loads in turn, ten minutes; ARGS="BASE [NEW]"
	.venv/bin/python -m bench.commits $(ARGS)

bench-alone: venv  ## Generation, a load's memory, Luigi's own time; eight minutes
	.venv/bin/python -m bench.alone

bench-experiment: venv  ## The proxy's accuracy, equal and slower code compared, pool size auto; half an hour
	.venv/bin/python -m bench.proxy_accuracy
	.venv/bin/python -m bench.experiment

.venv-bench/.stamp: bench/requirements.txt
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/python -m pip install --quiet --no-deps --require-hashes --requirement bench/requirements.txt
	.venv-bench/bin/python -m pip check
	touch $@

faults-short: venv-dev  ## Some of the faults, a few times each: about 4 minutes
	.venv/bin/python -m faults --short $(ARGS)

faults: venv-dev  ## Break loads on purpose, on clusters of its own: about 36 minutes
	.venv/bin/python -m faults $(ARGS)

start: venv  ## Start the embedded Cassandra
	.venv/bin/python -m pipeline.embedded start $(ARGS)

stop: venv  ## Stop the embedded Cassandra
	.venv/bin/python -m pipeline.embedded stop

status: venv  ## Say whether the embedded Cassandra runs
	.venv/bin/python -m pipeline.embedded status

# The server's data goes only once the server is known to be down, and it takes .venv to know.
clean:  ## Remove what can be made again: .venv, caches, the embedded Cassandra's data; reports stay
	@if [ -e output/cassandra ] && [ -x .venv/bin/python ] && [ -e .venv/.stamp ]; then \
		.venv/bin/python -m pipeline.embedded stop && rm -rf output/cassandra; \
	elif [ -e output/cassandra ]; then \
		echo "output/cassandra stays: without .venv its server cannot be stopped; run make stop, then make clean"; \
	fi
	$(PYTHON) bootstrap.py --remove
	rm -rf .venv-bench .luigi build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

venv:
	@$(PYTHON) bootstrap.py

venv-dev:
	@$(PYTHON) bootstrap.py --dev
