# Everything a fresh machine needs: Python 3.11 or newer, and make.
PYTHON ?= python3
# Address of other builds of PyTorch, such as those for the CPU alone; empty for what pip finds by itself.
TORCH_INDEX ?=
TORCH := 'torch>=2.9,<3' 'torchvision>=0.24,<1'
VENV := .venv
BIN := $(VENV)/bin
# Three workers on two cores: each waits a quarter of its time, for Postgres and for processes of tests.
PYTEST := $(BIN)/pytest -n 3 --dist loadgroup -m "not long" tests

.PHONY: demo test tests test-long test-loaded clients check lint types gpu-test bench install install-dev clean distclean

demo: install ## simulate a small survey, ingest it, print answers to real questions
	$(BIN)/galcat demo

test: ## every check, then every test, the long ones in small; under 15 minutes on 2 idle cores
	@began=$$(date +%s); $(MAKE) --no-print-directory -j2 clients lint && \
		$(MAKE) --no-print-directory -j2 types tests; code=$$?; \
		took=$$(($$(date +%s) - began)); echo "make test took $$((took / 60)) min $$((took % 60)) s"; exit $$code

tests: install-dev clients ## every test, the long ones in small, without the checks
	$(PYTEST)

clients: ## programs of others that the tests talk to; where they cannot be had, those tests are skipped
	sh tests/clients/install.sh

test-long: install-dev ## fuzzing, mutation, kills, trainings, browsers, servers: each an hour at most, and it goes on
	$(BIN)/python -m tests.long $(PARTS)

test-loaded: install-dev ## the tests that wait for an event, beside four busy processes: twenty minutes
	$(BIN)/python -m tests.loaded

check: ## lint, types, import contracts
	@$(MAKE) --no-print-directory -j2 lint types

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: install-dev
	$(BIN)/mypy

gpu-test: install-dev ## what needs a CUDA device
	$(BIN)/pytest -m gpu tests

bench: install-dev ## print the benchmark tables; nothing else should run meanwhile
	$(BIN)/python -m benchmarks

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(VENV)/.installed: pyproject.toml | $(BIN)/pip
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/pip
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/.installed

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "galcat needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) --version)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/pip install --quiet --index-url '$(TORCH_INDEX)' $(TORCH))

clean: ## remove the demo's server and data; .venv stays
	-$(BIN)/galcat down
	rm -rf .galcat

distclean: clean ## remove .venv too
	rm -rf $(VENV)
