# rosterd: every task a contributor or an administrator trying it out needs.
# Only Python 3.11 or newer with its venv module is wanted; the rest comes into .venv, pinned and hashed.
# Written for GNU make 3.81 (macOS) and later.

VENV     := .venv
BIN      := $(VENV)/bin
SHELL    := /bin/sh
DATA     ?= rosterd-data
PORT     ?= 8000
MINUTES  ?= 10
ARGS     ?=

# `make test PYTHON=/path/to/python3.12` chooses the interpreter of a new .venv.
PYTHON   ?=
INSTALL  := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps
LOCK     := pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
            --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --group build

# Otherwise each of the many processes that tests start compiles all of rosterd once more.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo serve test lint types imports fmt bench faults fuzz audit docs picture screens lock clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/run.stamp ## Watch an Okta-like client provision a company into a throw-away server
	@$(BIN)/rosterd demo $(ARGS)

serve: $(VENV)/run.stamp ## Start the service on 127.0.0.1 (DATA=rosterd-data PORT=8000)
	@$(BIN)/rosterd serve --data $(DATA) --port $(PORT) $(ARGS)

# Files begin in the order of their names: the long ones come early, and the short ones keep both workers
# busy to the end. Sorted by their number of tests, the longest would be the last.
test: lint types imports ## Check everything: lint, format, types, import rules, all tests
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/dev.stamp ## Check style and format only
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/dev.stamp ## Check types only
	$(BIN)/mypy

imports: $(VENV)/dev.stamp ## Check the import rules only
	$(BIN)/lint-imports --no-logo

fmt: $(VENV)/dev.stamp ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/dev.stamp ## Measure a running server over loopback (ARGS=--help for the choices)
	$(BIN)/python -m bench $(ARGS)

faults: $(VENV)/dev.stamp ## Do each fault to servers under load for MINUTES, and look whether all is there
	FAULT_PATRONI=1 FAULT_SECONDS=$$(($(MINUTES) * 60)) $(BIN)/pytest -s tests/faults \
	  tests/e2e/test_faults_of_the_machine.py tests/e2e/test_doors.py tests/e2e/test_backup_and_restore.py \
	  tests/e2e/test_rolling_upgrade.py

fuzz: $(VENV)/tools.stamp ## Look for inputs that break a parser for MINUTES, led by coverage (Linux)
	@set -e; for target in filter path body cursor; do \
	  $(BIN)/python tests/fuzz/coverage_guided.py $$target -max_total_time=$$(($(MINUTES) * 15)) -max_len=2000; \
	done

audit: $(VENV)/tools.stamp ## Look for known vulnerabilities of everything in the lock files
	@$(BIN)/pip-audit --disable-pip --require-hashes --requirement requirements/run.txt \
	  --requirement requirements/dev.txt --requirement requirements/tools.txt \
	  --progress-spinner off --format json 2>$(VENV)/audit.log \
	  | $(BIN)/python tests/house/audit.py

docs: $(VENV)/dev.stamp ## Write the generated parts of README.md and docs/, and the typed client, anew
	@$(BIN)/python docs/generate.py
	@$(BIN)/python docs/generate_client.py

picture: $(VENV)/dev.stamp ## Run the demo and draw docs/demo.svg from its last screen
	@$(BIN)/python docs/picture.py

screens: $(VENV)/dev.stamp ## Draw the pictures of the console in docs/images anew (needs a Chromium)
	@$(BIN)/python docs/screens.py

lock: $(VENV)/python.stamp ## Write the lock files anew from pyproject.toml (ARGS=--upgrade for newer releases)
	@set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	$(BIN)/python -m venv "$$tools"; \
	"$$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv; \
	"$$tools/bin/uv" $(LOCK) --output-file requirements/run.txt $(ARGS); \
	"$$tools/bin/uv" $(LOCK) --extra dev --constraints requirements/run.txt \
	  --output-file requirements/dev.txt $(ARGS); \
	"$$tools/bin/uv" $(LOCK) --extra tools --constraints requirements/dev.txt \
	  --output-file requirements/tools.txt $(ARGS)

clean: ## Remove .venv and every file that was made (not the data directory)
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# A new .venv. The first interpreter that is new enough and has venv is taken.
$(VENV)/python.stamp:
	@set -e; for python in $(PYTHON) $(if $(PYTHON),,python3 python3.14 python3.13 python3.12 python3.11); do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making $(VENV) with $$("$$python" --version)"; \
	    "$$python" -m venv --clear $(VENV); touch $@; exit 0; \
	  fi; \
	done; \
	echo "rosterd needs Python 3.11 or newer with its venv module$(if $(PYTHON), and '$(PYTHON)' is not that)." >&2; \
	echo "Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python; or make PYTHON=/path/to/python" >&2; \
	exit 1

# Only what the service needs, then rosterd itself from this tree; the build backend is in the lock file.
$(VENV)/run.stamp: $(VENV)/python.stamp requirements/run.txt pyproject.toml
	@echo "Installing what rosterd needs into $(VENV)"
	@$(INSTALL) --requirement requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	@echo "Installing what the tests need into $(VENV)"
	@$(INSTALL) --requirement requirements/dev.txt
	@touch $@

# What fuzzes and audits; neither the service nor its tests need it.
$(VENV)/tools.stamp: $(VENV)/dev.stamp requirements/tools.txt
	@echo "Installing what fuzzes and audits into $(VENV)"
	@$(INSTALL) --requirement requirements/tools.txt
	@touch $@
