# 'make help' lists the commands. Needs python3 of version 3.11 or newer, with venv, and git; the
# tests also need Chromium.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# What to hand to 'fullhouse serve', for example: make run ARGS="--port 8080"
ARGS ?=
# What to hand to pytest, for example: make test TESTS="tests/unit -x"
TESTS ?=
# Newer versions of everything: make lock UPGRADE=--upgrade
UPGRADE ?=

.DEFAULT_GOAL := help
.PHONY: help run dev test lint types format lock bench clean

help: ## Show the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.run ## Install what is needed and start everything, with demo data
	$(BIN)/fullhouse serve --demo $(ARGS)

dev: $(VENV)/.test ## The same, starting again whenever the source changes
	$(BIN)/fullhouse serve --demo --reload --log-format console $(ARGS)

test: lint types ## Check everything: style, types, imports and all tests
	@command -v chromium >/dev/null || \
		echo "There is no chromium: tests/browser will fail. On Debian: apt-get install chromium" >&2
	$(BIN)/pytest -n 2 --dist loadfile $(TESTS)

lint: $(VENV)/.test ## Check style and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd src && ../$(BIN)/lint-imports --no-logo --no-cache --config ../pyproject.toml

types: $(VENV)/.test ## Check types
	$(BIN)/mypy

format: $(VENV)/.test ## Put the source into its form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)/.test ## Measure, and compare with the limits; needs wrk
	$(BIN)/python -m bench $(ARGS)

COMPILE := $(BIN)/uv --no-config pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-header $(UPGRADE) pyproject.toml

lock: $(VENV)/.tools ## Make the lock files in requirements/ again
	$(COMPILE) --output-file requirements/run.txt
	$(COMPILE) --group test --group dev --constraint requirements/run.txt \
		--output-file requirements/test.txt
	$(COMPILE:pyproject.toml=) --group tools --constraint requirements/test.txt \
		--output-file requirements/tools.txt

clean: ## Remove everything that was made here; the data folder stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each thing that is installed, so that it is installed once.
# uv takes seconds where pip takes half a minute; pip steps in where only it reaches a registry.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode \
	-r $(1) || $(BIN)/pip install --quiet --require-hashes -r $(1)

$(VENV)/.tools: requirements/tools.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Fullhouse needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@echo "Installing, once…"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.txt
	@touch $@

$(VENV)/.run: $(VENV)/.tools requirements/run.txt pyproject.toml
	$(call INSTALL,requirements/run.txt)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.txt
	$(call INSTALL,requirements/test.txt)
	@touch $@
