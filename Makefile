# Two commands matter: `make run` and `make test`. Both do all the set-up themselves.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PROJECTS := shared services/ingest services/health-score services/alerts services/renewals deploy/standalone
SOURCES := shared/src services/ingest/src services/health-score/src services/alerts/src services/renewals/src deploy/standalone/src
WORKERS ?= 2
# Tests start dozens of processes; where an environment forbids them to keep bytecode, each compiles everything anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup run test test-kafka test-clients bench lint format docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with everything that running, testing and checking need

$(READY): requirements/dev.txt $(PROJECTS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Mainstay needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing Mainstay into .venv (about a minute, once) …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(PROJECTS:%=-e ./%)
	@touch $(READY)

run: $(READY) ## Start everything with a demo portfolio; Ctrl-C stops it
	@$(BIN)/mainstay up --demo

test: $(READY) ## Run the tests that need no Java (a real PostgreSQL starts by itself)
	@$(BIN)/pytest -n $(WORKERS) -m "not kafka and not clients"

test-kafka: $(READY) ## Run the tests on a real Apache Kafka (needs Java 17 and Maven)
	@deploy/kafka/kafka.sh check
	@$(BIN)/pytest -n $(WORKERS) -m kafka

test-clients: $(READY) ## Run the published clients of every protocol against ingest (needs Node 20, npm, Java 17 and Maven)
	@command -v node >/dev/null && command -v npm >/dev/null || { echo "Node 20 and npm are needed: https://nodejs.org"; exit 1; }
	@deploy/kafka/kafka.sh check
	@$(BIN)/pytest -n $(WORKERS) -m clients tests/clients

bench: $(READY) ## Measure throughput and latency beside a plain baseline (needs Java 17 and Maven)
	@deploy/kafka/kafka.sh check
	@$(BIN)/python -m tests.load

lint: $(READY) ## Check style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(SOURCES) tests
	@$(BIN)/lint-imports

format: $(READY) ## Put the code into the house's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(READY) ## Regenerate docs/asyncapi.yaml, docs/schemas/ and docs/openapi/ from the code
	@$(BIN)/python -m tests.contract.documents

lock: $(READY) ## Pin the requirements anew, with hashes
	@for set in build services standalone dev bench; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header requirements/$$set.in -o requirements/$$set.txt; done

clean: ## Remove .venv and caches; the data in .mainstay/ stays
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
