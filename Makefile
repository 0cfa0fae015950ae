# `make` lists the targets. Everything is installed into .venv/ and kept under .local/.
.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= python3
BIN := .venv/bin
RING ?= tests
LEDGER ?= simulator
SEEDS ?= 10000
KILLS ?= 1000

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

.venv/installed: requirements/development.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "outbox-streams needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/development.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: install
install: .venv/installed ## Make .venv/ from the hash-locked requirements

.PHONY: demo
demo: .venv/installed ## Run real commands through the whole line and show what became of them (LEDGER=native: real Fabric)
	@$(BIN)/streams demo --ledger $(LEDGER)

.PHONY: test
test: check ## Everything CI runs: check, then every ring of tests
	$(BIN)/pytest $(RING)

.PHONY: simulate
simulate: .venv/installed ## Run the submit worker through SEEDS (10000) deterministic simulations
	SIMULATED_SEEDS=$(SEEDS) $(BIN)/pytest tests/simulation

.PHONY: prometheus
prometheus: .venv/installed ## Serve the shipped alerts at 127.0.0.1:9090 for the line that runs here
	@$(BIN)/python -m streams.local.prometheus run

.PHONY: chaos
chaos: .venv/installed ## Kill every part of the line under load, KILLS=1000 times, prove the result, write docs/chaos-report.md
	@$(BIN)/streams chaos --kills $(KILLS) --report docs/chaos-report.md

.PHONY: bench-client
bench-client: .venv/installed ## Measure the CPU per transaction of the ledger client alone
	@$(BIN)/python -m benchmarks.client

.PHONY: bench-simulator
bench-simulator: .venv/installed ## Measure the VALID transactions per second of the simulator on one core
	$(BIN)/python -m benchmarks.simulator

.PHONY: bench-submit
bench-submit: .venv/installed ## Measure what one submit worker carries: rate, lone commands, slow keys, hot accounts, tenants
	@$(BIN)/python -m benchmarks.submit

.PHONY: bench-reconcile
bench-reconcile: .venv/installed ## Measure time and memory of reconciling a million commands
	@$(BIN)/python -m benchmarks.reconcile

.PHONY: check
check: .venv/installed ## Look only: format, lint, types, import directions, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m docs.generate --check

.PHONY: docs
docs: .venv/installed ## Write the generated docs
	$(BIN)/python -m docs.generate

.PHONY: ledger-conformance
ledger-conformance: .venv/installed ## Run the ledger's contract on simulator and real network, write the comparison
	$(BIN)/python -m docs.conformance

.PHONY: format
format: .venv/installed ## Format and sort imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lock
lock: ## Compile the hash-locked requirements (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-header -o requirements/runtime.txt
	uv pip compile pyproject.toml --extra tracing --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-header -o requirements/tracing.txt
	uv pip compile pyproject.toml --extra local --extra tracing --extra development --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -o requirements/development.txt

.PHONY: clean
clean: ## Remove .venv/ and .local/
	rm -rf .venv .local
