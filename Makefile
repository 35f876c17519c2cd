# `make` alone lists the commands. They make their own virtual environment in .venv, with pinned versions.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help demo test check bench build lock clean

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(VENV)/.demo  ## set everything up, log six short runs on real photographs
	$(BIN)/filmstrip demo

test: $(VENV)/.dev  ## set everything up and run the tests
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev  ## lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev  ## the same images through filmstrip and seven others (about 15 minutes)
	$(BIN)/python -m benchmarks $(ARGS)

build: $(VENV)/.dev  ## build the wheel and the source archive into dist/
	$(BIN)/python -m build

lock: $(VENV)/.dev  ## pin what requirements/*.in ask for anew
	for name in demo dev; do \
	  $(BIN)/python -m piptools compile --quiet --upgrade --strip-extras --no-header --no-emit-options \
	    requirements/$$name.in -o requirements/$$name.txt && sed -i 's/+cpu$$//' requirements/$$name.txt; done

clean:  ## delete the virtual environment, caches and built files
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis benchmarks/venvs benchmarks/work

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "the pinned versions need Python 3.11 or newer: make PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "this Python cannot make virtual environments: apt install python3-venv"; exit 1; }
	@echo "making a virtual environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(BIN)/python
	@echo "installing filmstrip and what the demo needs"
	$(PIP) install --quiet --requirement requirements/demo.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "installing filmstrip and what the tests need: this takes a few minutes, once"
	$(PIP) install --quiet --requirement requirements/dev.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.demo
