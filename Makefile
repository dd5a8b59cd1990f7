# make night    take a simulated night, end to end; data go to ./data, or to SLITLESS_DATA
# make test     run the tests
# make upstream run what takes other projects' clients, servers and test suites; make test leaves it out, CI does not
# make check    lint, format, types, import contracts
# make bench    run the benchmarks and write benchmarks/RESULTS.md; some minutes, on a machine that does nothing else
# make docs-check  whether the reference pages are those of the code
# make help     this text

SLITLESS_DATA ?= data
NIGHT_ARGS ?=
PROOFS := tests/upstream tests/interop tests/iocs/test_genuine_epics.py \
	tests/iocs/camera/test_stock_plugins.py tests/iocs/camera/test_area_detector.py
# most tests wait for IOCs rather than compute, so there are more workers than cores; a file stays with one of them,
# and files come in the order of tests/conftest.py: those that take longest first
TEST_ARGS ?= -n 3 --dist loadfile --no-loadscope-reorder $(PROOFS:%=--ignore=%)
# they wait for a second here and there, which a busy host makes too short
UPSTREAM_ARGS ?= -n 2 --dist loadfile
BENCH_ARGS ?=
VENV ?= .venv
BIN := $(VENV)/bin

# A python that is already in .venv wins; else the first one found that is 3.11 or later, tried ones first.
find-python = for python in "$(PYTHON)" python3 python3.13 python3.12 python3.11; do \
	  [ -n "$$python" ] && "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	  python=; \
	done; \
	if [ -z "$$python" ]; then echo "make: no python 3.11 or later found; say where it is: make PYTHON=/path/to/python3" >&2; exit 1; fi

.PHONY: help night test upstream bench check docs-check install develop clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# make /make /p' Makefile

night: $(VENV)/.run-ready
	@exec $(BIN)/slitless night --data "$(SLITLESS_DATA)" $(NIGHT_ARGS)

test: $(VENV)/.dev-ready
	@$(BIN)/pytest $(TEST_ARGS)

upstream: $(VENV)/.dev-ready
	@$(BIN)/pytest $(UPSTREAM_ARGS) $(PROOFS)

bench: $(VENV)/.dev-ready
	@$(BIN)/python benchmarks/results.py $(BENCH_ARGS)

check: $(VENV)/.dev-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright --pythonpath $(BIN)/python

docs-check: $(VENV)/.dev-ready
	$(BIN)/python docs/generate.py --check

install: $(VENV)/.run-ready
develop: $(VENV)/.dev-ready

$(VENV)/bin/python:
	@$(find-python); echo "setting up $(VENV) with $$("$$python" --version)"; "$$python" -m venv $(VENV)

$(VENV)/.run-ready: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing into $(VENV): some 160 packages the first time, a minute or two"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev-ready: $(VENV)/.run-ready
	@echo "installing test and lint tools into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .import_linter_cache
