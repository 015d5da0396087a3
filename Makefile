# `make figures` and `make test` need python3 (3.11 or newer), make and git, and nothing else.

PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python -m

LOCK := uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-header --no-annotate --quiet

.PHONY: figures setup setup-slurm setup-docs docs test coverage test-slow test-python test-next test-slurm bench lint format schema lock clean

# On a terminal each job says what it makes and how far it is; elsewhere the log has all.
figures: setup
	@if test -t 2; then SFUMATO_ANNOUNCE=1 $(RUN) snakemake --cores 1 --quiet all; \
	else $(RUN) snakemake --cores 1; fi

setup: .venv/installed

# Everything comes from the lock file, checked against its hashes; then the library itself, in place.
.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sfumato needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(RUN) pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(RUN) pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# Further packages, for a cluster with Slurm.
setup-slurm: .venv/installed-slurm

.venv/installed-slurm: requirements-slurm.lock .venv/installed
	$(RUN) pip install --quiet --require-hashes --no-deps -r requirements-slurm.lock
	touch $@

# Further packages, for the documentation.
setup-docs: .venv/installed-docs

.venv/installed-docs: requirements-docs.lock .venv/installed
	$(RUN) pip install --quiet --require-hashes --no-deps -r requirements-docs.lock
	touch $@

# docs/_build/html/index.html. The tutorials run first, for some minutes; with `make docs SIZE=tiny`
# they do the least they can.
SIZE := full
docs: setup-docs
	$(RUN) snakemake --snakefile docs/Snakefile --cores 1 --config size=$(SIZE)

# A third process works while another waits for Snakemake.
QUICK_TESTS := $(RUN) pytest -m "not slow and not slurm" -n 3 --dist loadfile --no-loadscope-reorder

# What CI runs.
test: setup lint
	$(QUICK_TESTS) --durations=20

# The same tests, and how much of the library they run; counting takes a fifth longer.
coverage: setup
	$(QUICK_TESTS) --cov --cov-report=term --cov-fail-under=95

# The full-size checks: minutes each.
test-slow: setup
	$(RUN) pytest -m slow

# Tests of what computes and draws, by another Python or with other packages.
RESULTS_TESTS := -m pytest -m "not slow and not slurm" -n 3 tests/compute tests/diffusion tests/samplers \
	tests/guidance tests/networks tests/sampling tests/editing tests/training tests/evaluation tests/figures

# The locked packages on another Python: make test-python PYTHON=python3.13
test-python: .venv-python/installed
	.venv-python/bin/python $(RESULTS_TESTS)

.venv-python/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv --clear .venv-python
	.venv-python/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	.venv-python/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# The newest packages that pyproject.toml allows, whatever the lock file says; PYTHON as above.
test-next: .venv-next/installed
	.venv-next/bin/python $(RESULTS_TESTS)

.venv-next/installed: pyproject.toml
	$(PYTHON) -m venv --clear .venv-next
	.venv-next/bin/python -m pip install --quiet --upgrade pip
	.venv-next/bin/python -m pip install --quiet --group dev -e .
	touch $@

# On a cluster of this one machine, which it sets up and stops: as root, on Debian.
test-slurm: setup-slurm
	$(RUN) pytest -m slurm

# This library and its peers side by side; they have an environment of their own.
bench: setup .venv-bench/installed
	$(BIN)/python benchmarks/compare.py --peers .venv-bench/bin/python --output benchmarks/results/cpu.json
	$(BIN)/python benchmarks/report.py benchmarks/results/cpu.json
	$(BIN)/python benchmarks/scaling.py benchmarks/results/scaling.json
	$(BIN)/python benchmarks/memory.py benchmarks/results/memory.json
	$(BIN)/python benchmarks/graph.py benchmarks/results/graph.json
	$(BIN)/python benchmarks/workflow.py --peers .venv-bench/bin/python \
		--output benchmarks/results/workflow.json

.venv-bench/installed: benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet -r $<
	touch $@

lint: setup
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(BIN)/basedpyright
	$(BIN)/snakefmt --check Snakefile workflow docs/Snakefile
	$(BIN)/hadolint Dockerfile
	$(RUN) snakemake --lint

format: setup
	$(RUN) ruff check --fix
	$(RUN) ruff format
	$(BIN)/snakefmt Snakefile workflow docs/Snakefile

# Renew the exported schema of the config after a change of its settings.
schema: setup
	$(RUN) sfumato.config.schema > workflow/schemas/config.schema.json

# Renew the lock files after a change of the dependencies in pyproject.toml; needs the tool uv.
lock:
	$(LOCK) pyproject.toml --group dev --output-file requirements.lock
	$(LOCK) --group slurm --constraints requirements.lock --output-file requirements-slurm.lock
	$(LOCK) --group docs --constraints requirements.lock --output-file requirements-docs.lock

# What was installed and cached; results stay, and with them Snakemake's records of them.
clean:
	rm -rf .venv .venv-bench .venv-python .venv-next .cache
