# `make` alone lists the commands. They make their own virtual environment in .venv, with pinned versions.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
MODULES := web/node_modules/.package-lock.json
CHROMIUM := command -v chromium > /dev/null
SVELTE_CHECK = cd web && ../$(BIN)/node node_modules/svelte-check/bin/svelte-check --fail-on-warnings

.DEFAULT_GOAL := help
.PHONY: help demo test test-faults test-web test-browser screenshots chromium check bench bench-viewer build viewer gen dev lock clean

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: $(VENV)/.demo viewer  ## set everything up, log six short runs on real photographs
	$(BIN)/filmstrip demo

test: test-web chromium $(VENV)/.dev  ## set everything up and run the tests
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	if $(CHROMIUM); then $(BIN)/python -m pytest tests/browser; fi
	$(BIN)/python -m pytest --ignore=tests/browser
endif

test-browser: viewer chromium $(VENV)/.dev  ## the viewer in a real Chromium
	$(BIN)/python -m pytest tests/browser $(ARGS)

screenshots: viewer chromium $(VENV)/.dev  ## every view in light and dark, into docs/screenshots
	SCREENSHOTS_DIR=$(CURDIR)/docs/screenshots $(BIN)/python -m pytest tests/browser -k fits_in_both_themes

test-faults: $(VENV)/.dev  ## kill and cut by the hundred, and look for what is lost (about a quarter of an hour)
	FILMSTRIP_FAULTS=full $(BIN)/python -m pytest tests/faults -m "faults or not faults" -s $(ARGS)

test-web: viewer $(MODULES)  ## the viewer's own tests and types
	cd web && ../$(BIN)/node node_modules/vitest/vitest.mjs run
	$(SVELTE_CHECK)

check: $(VENV)/.dev $(MODULES)  ## lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(SVELTE_CHECK)

bench: viewer $(VENV)/.dev  ## the same images through filmstrip and seven others (about 16 minutes)
	$(BIN)/python -m benchmarks $(ARGS)

bench-viewer: viewer chromium $(VENV)/.dev  ## the viewer and the index against their goals, in a real Chromium
	$(BIN)/python -m benchmarks.viewer $(ARGS)

viewer: $(VENV)/.demo  ## build the viewer and the compiled code into the package, when their sources changed
	$(BIN)/python hatch_build.py

gen: $(VENV)/.dev  ## make the viewer's types anew from what the server sends
	$(BIN)/python -m filmstrip.server.typescript web/src/api/types.gen.ts

dev: $(VENV)/.dev $(MODULES)  ## the viewer on the store here, rebuilt in the open page as its sources change
	$(BIN)/filmstrip view --no-browser --port 8010 & \
	trap "kill $$!" EXIT; cd web && ../$(BIN)/node node_modules/vite/bin/vite.js

build: $(VENV)/.dev  ## build the wheel and the source archive into dist/
	$(BIN)/python -m build

lock: $(VENV)/.dev  ## pin what requirements/*.in ask for anew
	for name in demo dev; do \
	  $(BIN)/python -m piptools compile --quiet --upgrade --strip-extras --no-header --no-emit-options \
	    requirements/$$name.in -o requirements/$$name.txt && sed -i 's/+cpu$$//' requirements/$$name.txt; done

clean:  ## delete the virtual environment, caches and built files
	rm -rf $(VENV) dist build web/node_modules src/filmstrip/server/static src/filmstrip/export/static src/filmstrip/native/libfilmstrip.* .mypy_cache .ruff_cache .pytest_cache .hypothesis benchmarks/venvs benchmarks/work

chromium:
	@$(CHROMIUM) || { [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && echo "installing chromium" \
	  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium fonts-dejavu-core > /dev/null; } \
	  || echo "no chromium here: the tests in tests/browser are left out (apt install chromium)"

$(MODULES): web/package-lock.json | $(VENV)/.demo
	@echo "installing what the viewer is built with"
	cd web && ../$(BIN)/npm ci --ignore-scripts --loglevel=error && touch ../$@

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
