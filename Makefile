# `make help` lists what there is. Every target sets up .venv by itself, once.
# PYTHON=... chooses the interpreter, TORCH_INDEX_URL=... another build of torch.

BIN := .venv/bin
INSTALLED := .venv/.installed
DOCS_INSTALLED := .venv/.installed-docs
INPUTS := pyproject.toml constraints.txt scripts/setup-venv.sh
BENCHMARKS := $(sort $(wildcard tests/benchmarks/bench_*.py))

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow check format bench docs clean

help: ## list these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: $(INSTALLED) ## open napari, with an answer; pictures in demo-output/ without a screen
	scripts/run-demo.sh $(BIN)/napari-sam demo --out demo-output

test: $(INSTALLED) ## run the default tests: offline, without a GPU, a few minutes
	scripts/with-display.sh $(BIN)/python -m pytest

test-slow: $(INSTALLED) ## run the slow tests too
	scripts/with-display.sh $(BIN)/python -m pytest -m "not gpu"

check: $(INSTALLED) ## lint, format, types, import directions, manifest
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	scripts/with-display.sh $(BIN)/npe2 validate --imports napari-sam-tiles

format: $(INSTALLED) ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED) ## run every benchmark in tests/benchmarks
	@set -e; for file in $(BENCHMARKS); do \
	    module=$$(echo "$${file%.py}" | tr / .); \
	    echo "$(BIN)/python -m $$module"; \
	    scripts/with-display.sh $(BIN)/python -m "$$module"; \
	done

docs: $(DOCS_INSTALLED) ## build the documentation into docs/_build/html
	$(BIN)/sphinx-build --fail-on-warning --keep-going -b html docs docs/_build/html

clean: ## remove what was built, but not .venv
	rm -rf build dist docs/_build demo-output \
	    .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find napari_sam src tests docs scripts -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): $(INPUTS)
	scripts/setup-venv.sh dev
	@touch $@

$(DOCS_INSTALLED): $(INPUTS)
	scripts/setup-venv.sh dev,docs
	@touch $@ $(INSTALLED)
