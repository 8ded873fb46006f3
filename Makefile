# Every target can be repeated, run twice at the same time, or interrupted by Ctrl-C. bootstrap.py makes .venv.
PYTHON ?= python3
ARGS ?=
# For every Python from 3.11 on; the package index is the one that the machine configures, and is not recorded.
LOCK = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make requirements" $(ARGS)

# Several files of tests at a time: decision 16.
AT_ONCE = -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Paths that another project has exported would be searched before the packages of .venv.
unexport PYTHONPATH PYTHONHOME

# Several targets run in the order of the command line: `make -j clean run` cleans first.
.NOTPARALLEL:
.PHONY: help run report test test-unit test-versions test-versions-short test-page test-exports test-clouds test-spark test-spark-short test-alerts test-install published check settings-docs requirements bench bench-one-node bench-three-nodes bench-commits bench-alone bench-experiment bench-engines bench-connector faults faults-short start stop status clean venv venv-dev doctor docs screenshots

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' Makefile
	@echo "ARGS=... are arguments for the command of run, report, doctor, test, start; PYTHON=... is the Python for .venv."

run: venv  ## Load 1,000 rows with every method, print the timing table and the paths of its files
	.venv/bin/luigi --module tasks TimingReport $(ARGS)

report: venv  ## Time nine contenders at five latencies, sweep pool sizes, write one page: half an hour
	.venv/bin/luigi --module tasks ContenderReport $(ARGS)

doctor: venv  ## Look at everything that loads need, a line each, and write nothing; ARGS="--table shop.orders" for one
	.venv/bin/luigi --module tasks CheckSetup $(ARGS)

test: venv-dev  ## Run every test
	.venv/bin/pytest $(AT_ONCE) $(ARGS)

test-unit: venv-dev  ## Run the tests that need no server, in a minute
	.venv/bin/pytest -m 'not server and not slow' -n auto --dist loadfile $(ARGS)

test-versions: venv-dev  ## Run some tests with Cassandra 3.11 to 6.0, write a table into docs/reliability.md; 40 minutes
	.venv/bin/python -m tests.versions

test-versions-short: venv-dev  ## Run a few tests with Cassandra 4.0
	.venv/bin/python -m tests.versions --short

test-page: venv-dev docs  ## Test the pages of a report and of a history, and the documentation site, in Chromium; needs the Debian package chromium
	.venv/bin/pytest $(AT_ONCE) $(ARGS) tests/measure/page tests/history/page tests/docs/page

test-exports: venv-dev .venv-exports/.stamp  ## Load what cqlsh, DSBulk, pandas and Polars write of a table, and compare it byte by byte
	.venv/bin/pytest $(ARGS) tests/exports

test-clouds: venv-dev  ## Read objects of Azure and Google from emulators on this machine; needs npm and the network once
	.venv/bin/pytest $(ARGS) tests/clouds

test-spark: venv-dev .venv-spark/.stamp  ## Load by Spark: a standalone master and two workers; needs the network once, 345 MB
	.venv-spark/bin/python -m pytest $(ARGS) tests/engines/spark

test-spark-short: venv-dev .venv-spark/.stamp  ## One of these tests: Spark loads what processes load; half a minute
	.venv-spark/bin/python -m pytest $(ARGS) tests/engines/spark/test_spark.py::test_spark_loads_what_processes_load

test-alerts:  ## Test examples/alerts.yml with Prometheus' promtool, which must be on the path
	promtool check rules examples/alerts.yml
	promtool test rules tests/runs/alerts.promtool.yml

test-install:  ## Build the wheel, install it into an environment of its own, and load from an empty folder
	PYTHON="$(PYTHON)" tests/install.sh

published: venv-dev  ## Download 50 data files that others have published, 115 MB, load and verify each; ten minutes; needs npm
	.venv/bin/python -m tests.published.fetch output/published $(ARGS)
	.venv/bin/python -m tests.published output/published $(ARGS)

check: venv-dev  ## Lint, formatting, types, dependencies, spelling, links, paths and sizes, known vulnerabilities
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/deptry pipeline tasks
	@# Tests and benches may import development requirements, and need not import every requirement.
	.venv/bin/deptry --ignore DEP002,DEP004 bench faults tests
	.venv/bin/codespell
	.venv/bin/python -m tests.references
	.venv/bin/python -m tests.sizes
	tests/audit.sh

settings-docs: venv  ## Generate the sections of luigi.cfg, the tables of docs/settings.md, and docs/tasks.md
	.venv/bin/python -m pipeline.sections.documents
	.venv/bin/python -m tasks.documents

# A valid version is kept. To upgrade, edit pyproject.toml, or give ARGS="--upgrade-package NAME" for the others.
requirements: venv-dev  ## Write requirements*.txt, with hashes, from pyproject.toml
	$(LOCK) pyproject.toml --output-file requirements.txt
	$(LOCK) pyproject.toml --group dev --constraint requirements.txt --output-file requirements-dev.txt
	$(LOCK) --group pyproject.toml:bench --output-file bench/requirements.txt
	$(LOCK) --group pyproject.toml:exports --constraint requirements.txt --output-file tests/exports/requirements.txt
	$(LOCK) --group pyproject.toml:spark --output-file tests/engines/spark/requirements.txt
	$(LOCK) --group pyproject.toml:docs --output-file docs/requirements.txt

bench: bench-one-node bench-three-nodes bench-alone bench-experiment  ## All benchmarks, about three hours

bench-one-node: venv .venv-bench/.stamp  ## Compare with other loaders, about two hours; ARGS="--tables users" for half an hour
	.venv/bin/python -m bench.run $(ARGS)

bench-three-nodes: venv .venv-bench/.stamp  ## Compare with other loaders on three nodes with QUORUM, half an hour
	.venv/bin/python -m bench.run --name three-nodes --nodes 3 --consistency QUORUM --tables users --rows 300000 \
		--contenders "server limit" "ours, batch" "ours, prepared" "acsylla, batch" "acsylla, small batch" \
		"scyllapy, batch" "cqlsh COPY" execute_concurrent "DSBulk, replica set"

bench-commits: venv  ## Compare the loads of two commits, ten minutes; ARGS="BASE [NEW]"
	.venv/bin/python -m bench.commits $(ARGS)

bench-alone: venv  ## Measure generation, a load's memory, the whole command's time; eight minutes
	.venv/bin/python -m bench.alone

bench-engines: venv-dev  ## What an engine costs, and how far more workers take a slow link, a quarter of an hour
	.venv/bin/python -m bench.engines

bench-connector: venv-dev .venv-spark/.stamp  ## Beside the Spark Cassandra Connector, half an hour; needs the network once
	.venv-spark/bin/python -m bench.connector $(ARGS)
	.venv-spark/bin/python -m bench.connectorfaults

bench-experiment: venv  ## Measure the proxy's accuracy, equal and slower code, pool size auto; half an hour
	.venv/bin/python -m bench.proxy_accuracy
	.venv/bin/python -m bench.experiment

.venv-bench/.stamp: bench/requirements.txt
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/python -m pip install --quiet --no-deps --require-hashes --requirement bench/requirements.txt
	.venv-bench/bin/python -m pip check
	touch $@

docs: .venv-docs/.stamp  ## Build the documentation site in build/site; a dead link fails
	@# Not --quiet: with it, MkDocs does not count the warnings that --strict makes failures.
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict
	@echo "build/site is written; to read it: python3 -m http.server --bind 127.0.0.1 --directory build/site"

screenshots: venv-dev  ## Make the pictures of the docs anew, from real runs; needs the Debian package chromium, and make report before
	.venv/bin/python -m tests.screenshots

.venv-docs/.stamp: docs/requirements.txt
	$(PYTHON) -m venv --clear .venv-docs
	.venv-docs/bin/python -m pip install --quiet --no-deps --require-hashes --requirement $<
	.venv-docs/bin/python -m pip check
	touch $@

.venv-exports/.stamp: tests/exports/requirements.txt
	$(PYTHON) -m venv --clear .venv-exports
	.venv-exports/bin/python -m pip install --quiet --no-deps --require-hashes --requirement $<
	.venv-exports/bin/python -m pip check
	touch $@

# The folder of an environment's packages. Debian's site.getsitepackages() has four, of which three do not exist.
PACKAGES = import sysconfig; print(sysconfig.get_path("purelib"))

# On top of .venv: executors need the pipeline's packages too. Of pyspark there is only the source.
.venv-spark/.stamp: tests/engines/spark/requirements.txt
	$(PYTHON) -m venv --clear .venv-spark
	.venv-spark/bin/python -m pip install --quiet --no-deps --require-hashes --requirement $<
	.venv/bin/python -c '$(PACKAGES)' > "$$(.venv-spark/bin/python -c '$(PACKAGES)')/venv.pth"
	touch $@

faults-short: venv-dev  ## Some of the faults, with few repeats: about 4 minutes
	.venv/bin/python -m faults --short $(ARGS)

faults: venv-dev  ## Inject faults into loads, on separate clusters: about 62 minutes
	.venv/bin/python -m faults $(ARGS)

start: venv  ## Start the embedded Cassandra
	.venv/bin/python -m pipeline.embedded start $(ARGS)

stop: venv  ## Stop the embedded Cassandra
	.venv/bin/python -m pipeline.embedded stop

status: venv  ## Print whether the embedded Cassandra runs
	.venv/bin/python -m pipeline.embedded status

# The server's data is removed only after the server is stopped, and stopping it needs .venv.
clean:  ## Remove .venv, caches and the embedded Cassandra's data, which can be made again; reports stay
	@if [ -e output/cassandra ] && [ -x .venv/bin/python ] && [ -e .venv/.stamp ]; then \
		.venv/bin/python -m pipeline.embedded stop && rm -rf output/cassandra; \
	elif [ -e output/cassandra ]; then \
		echo "output/cassandra stays: without .venv its server cannot be stopped; run make stop, then make clean"; \
	fi
	$(PYTHON) bootstrap.py --remove
	rm -rf .venv-bench .venv-docs .venv-exports .venv-spark .luigi build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

venv:
	@$(PYTHON) bootstrap.py

venv-dev:
	@$(PYTHON) bootstrap.py --dev
