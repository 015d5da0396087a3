# `make figures` and `make test` need python3 (3.11 or newer), make and git, and nothing else.

PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python -m

.PHONY: figures setup test test-slow lint format lock clean

figures: setup
	$(RUN) snakemake --cores 1

setup: .venv/installed

# Everything comes from the lock file, checked against its hashes; then the library itself, in place.
.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sfumato needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(RUN) pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(RUN) pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# What CI runs.
test: setup lint
	$(RUN) pytest -m "not slow" -n 2 --dist loadfile --cov --cov-report=term --cov-fail-under=95

# The full-size checks: minutes each.
test-slow: setup
	$(RUN) pytest -m slow

lint: setup
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(BIN)/basedpyright
	$(BIN)/snakefmt --check Snakefile workflow
	$(RUN) snakemake --lint

format: setup
	$(RUN) ruff check --fix
	$(RUN) ruff format
	$(BIN)/snakefmt Snakefile workflow

# Renew the lock file after a change of the dependencies in pyproject.toml; needs the tool uv.
lock:
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --fork-strategy fewest \
		--generate-hashes --no-header --no-annotate --quiet --output-file requirements.lock

clean:
	rm -rf .venv .cache .snakemake
