# A table of contents; the logic is in Python.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
STAMP := .venv/.installed
PROTO := kserve_lite_server/grpc/open_inference.proto
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock"

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z0-9%-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Create .venv from the lock files (every other target needs only this)

$(STAMP): requirements/bootstrap.txt requirements/dev.txt pyproject.toml server/pyproject.toml server/compat/pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(UV) pip sync --quiet $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode) --python $(BIN)/python --require-hashes requirements/bootstrap.txt requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . -e server -e server/compat
	@touch $(STAMP)
lock: $(STAMP) ## Compile requirements/*.in to lock files with hashes
	$(COMPILE) requirements/bootstrap.in -o requirements/bootstrap.txt
	$(COMPILE) requirements/dev.in -o requirements/dev.txt
	for peer in kserve mlserver fastapi; do $(COMPILE) tests/bench/peers/$$peer.in -o tests/bench/peers/$$peer.txt; done
	for part in build runtime server storage router; do $(COMPILE) -c requirements/dev.txt requirements/$$part.in -o requirements/$$part.txt; done

run: $(STAMP) ## Train examples/sklearn-iris and serve its InferenceService
	@$(BIN)/python examples/sklearn-iris/train.py
	@exec $(BIN)/kserve-lite serve examples/sklearn-iris/isvc.yaml

test: $(STAMP) ## Run the tests, but for the slow ones (3 minutes on two cores)
	$(BIN)/python -m pytest
test-slow: $(STAMP) ## Run the tests that start many servers or draw many values
	$(BIN)/python -m pytest -m slow
test-%: $(STAMP) ## Run a suite that builds programs on first use: test-apiserver, -chart, -cluster (root), -gitops, -helm, -releases, -storage
	$(BIN)/python -m pytest tests/$(patsubst storage,storage_servers,$*) -n 0

lint: $(STAMP) ## Check style, types and import contracts
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
format: $(STAMP) ## Format the code
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

generate: $(STAMP) ## Write schemas, chart values and reference docs from the definitions
	$(BIN)/python -m generator
	cd server && ../$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. $(PROTO)
verify: $(STAMP) ## Fail when a generated file differs from what the definitions say
	$(BIN)/python -m generator verify
golden: $(STAMP) ## Write the golden files of tests/render anew; the diff is for your eyes
	$(BIN)/python -m tests.render.golden

bench: $(STAMP) ## Compare the server with its peers and write docs/benchmarks.md and its chart
	$(BIN)/python -m tests.bench.http
	$(BIN)/python -m tests.bench.start
bench-%: $(STAMP) ## Compare a part with its peer: bench-graph, bench-storage; bench-controller in the cluster that is up
	$(BIN)/python -m tests.bench.$*
soak: $(STAMP) ## Load one server for ten minutes with valid, malformed, aborted and slow clients
	$(BIN)/python -m tests.bench.soak

chart: $(STAMP) ## Lint and test the charts' templates, and print the counts
	$(BIN)/python -m tools.charts

images: $(STAMP) ## Build the container images with docker, podman or buildah, and print their sizes
	$(BIN)/python -m tools.images
chart-testing: $(STAMP) ## Run chart-testing in the cluster: every chart with every ci/*-values.yaml installed, tested, upgraded
	$(BIN)/python -m tools.charts.testing

cluster: $(STAMP) ## Bring up a Kubernetes cluster (kind, or the bare host as root); CLUSTER=kind|host|existing
	$(BIN)/python -m tools.cluster up
cluster-%: $(STAMP) ## cluster-status shows what exists of the cluster, cluster-down removes all of it
	$(BIN)/python -m tools.cluster $*
e2e: $(STAMP) ## Run the end-to-end tests in the cluster, with the images
	$(BIN)/python -m pytest tests/e2e -n 0
clean: ## Remove .venv and caches of this checkout
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache
.PHONY: help setup lock run test test-slow lint format generate verify golden bench soak chart chart-testing images cluster e2e clean
