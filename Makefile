# Two commands for a newcomer: `make demo` and `make test`. They need Python 3.11 and nothing else.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
SOURCES := mission_control ops_ui tests $(wildcard scripts)
PURE := mission_control/model/*,mission_control/market_calendar/*,mission_control/documents/*,mission_control/*/model.py,mission_control/*/model/*,mission_control/*/decide.py,mission_control/*/decide/*,mission_control/*/present.py,mission_control/*/present/*,mission_control/alerts/deliver/model.py,mission_control/alerts/deliver/decide.py,mission_control/alerts/deliver/present.py
WORKERS ?= 3

.PHONY: help setup demo test day soak test-browser check bench format lock package image sbom clean

help: ## Say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv

# Only what the lock names, by hash and as a wheel: nothing is resolved or built from what happens
# to be newest today. uv, where it is on the PATH, does the same in a fraction of the time; byte code
# is compiled by either, for without it a start takes twice as long.
UV := $(shell command -v uv)
LOCKED = $(if $(UV),$(UV) pip install --quiet --compile-bytecode --python $(1)/bin/python,$(1)/bin/pip install --quiet) \
  --no-deps --require-hashes --only-binary :all:
say = @echo "$(1)" >&2

.venv/.runtime: requirements/build.txt requirements/runtime.txt pyproject.toml | .venv/bin/python
	$(call say,Installing $$(grep -c == requirements/runtime.txt) packages into .venv: half a minute to a few minutes)
	$(call LOCKED,.venv) -r requirements/build.txt -r requirements/runtime.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.development: requirements/development.txt .venv/.runtime
	$(call say,Installing the tools of development: one to a few minutes)
	$(call LOCKED,.venv) -r requirements/development.txt
	@touch $@

.venv/.s3_server: requirements/s3_server.txt | .venv/bin/python
	$(call say,Installing an S3-compatible store for the tests: about a minute)
	$(PYTHON) -m venv .venv/s3_server
	$(call LOCKED,.venv/s3_server) -r requirements/s3_server.txt
	@touch $@

setup: .venv/.development .venv/.s3_server ## Install everything that development needs, into .venv

demo: .venv/.runtime ## Serve a simulated trading floor and watch it (ARGS="--scenario NAME")
	$(BIN)/mission-control demo $(ARGS)

test: setup ## Run every test; real parts that are missing are skipped with their reason
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report= $(ARGS)
	$(BIN)/coverage report --include='$(PURE)' --fail-under=100 --show-missing --skip-covered

day: setup ## Live whole days as often asked as in the field: a quarter of an hour (KEEP=FOLDER keeps them)
	MISSION_CONTROL_WHOLE_DAY=1 MISSION_CONTROL_KEEP_DAY=$(KEEP) $(BIN)/pytest -n $(WORKERS) --dist loadfile \
	  tests/wiring/test_a_calm_day.py tests/wiring/test_an_early_close.py $(ARGS)

soak: setup ## Watch 300 targets of which half hang for 20 minutes, and fail if anything grows (HOURS=24)
	$(BIN)/python tests/soak $(if $(HOURS),--hours $(HOURS)) $(ARGS)

test-browser: setup ## Run the tests in a real Chromium
	$(BIN)/pytest -m browser tests/browser $(ARGS)

check: setup ## Format, lint, types and import directions
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/pyright
	$(BIN)/lint-imports --verbose --no-cache

bench: setup ## Measure cost, failing fleets, detection, records, starting (ARGS="--part cost --targets 1000")
	$(BIN)/python tests/benchmarks $(ARGS)

format: setup ## Write the format
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix-only $(SOURCES)

# Extras stay in the lock: pip before 24 takes `coverage==1` and another package's `coverage[toml]`
# for two requirements, and looks for the newest release of the second.
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
  --no-annotate --no-strip-extras --only-binary :all:
LEAN = $(COMPILE) --override requirements/left_out.txt

lock: ## Resolve the exact versions anew (needs uv on the PATH); no host names in them
	$(COMPILE) --group build -o requirements/build.txt
	$(LEAN) pyproject.toml -o requirements/runtime.txt
	$(LEAN) pyproject.toml --extra notify -c requirements/runtime.txt -o requirements/notify.txt
	grep -v '^aiohttp ' requirements/left_out.txt | $(COMPILE) --override /dev/stdin \
	  pyproject.toml --extra notify --group dev -c requirements/runtime.txt -o requirements/development.txt
	$(COMPILE) --group s3-server -o requirements/s3_server.txt

package: setup ## Build the source distribution and the wheel into dist/
	$(BIN)/python -m build --no-isolation

image: setup ## Build the image on Debian's packages (root, buildah, mmdebstrap); docs/install.md
	tests/image/build.sh

sbom: setup ## Write the bill of materials of what is locked into dist/ (CycloneDX)
	$(BIN)/python scripts/write_sbom.py dist/mission-control.cdx.json

clean: ## Remove what was installed and cached
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage htmlcov build dist *.egg-info
