# Everything a fresh machine needs: Python 3.11 or newer, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check gpu-test bench install install-dev clean

demo: install ## simulate a small survey, ingest it, print answers to real questions
	$(BIN)/galcat demo

test: check ## every check, then every test
	sh tests/clients/install.sh
	$(BIN)/pytest -n 2 --dist loadgroup tests

check: install-dev ## lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

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

clean: ## remove the demo's server and data
	-$(BIN)/galcat down
	rm -rf .galcat
