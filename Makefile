# Two commands do all on a fresh machine: `make run` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help venv run test unit lint format bench clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

venv: $(READY) ## create .venv and install the tested versions

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

run: venv ## run the demo: bundled clip, bundled detector, everything on loopback
	$(BIN)/vedette run config/demo.yaml --summary 1

test: venv ## every test, with branch coverage
	$(BIN)/python -m pytest --cov --cov-report=term

unit: venv ## only the fast ones
	$(BIN)/python -m pytest tests/unit -q

lint: venv ## format, rules, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: venv ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: venv ## figures of the pipeline and of the capture
	$(BIN)/vedette bench pipeline
	$(BIN)/vedette bench pipeline --cameras 8 --fps 5
	$(BIN)/vedette bench capture

clean: ## remove what was built
	rm -rf $(VENV) build dist *.egg-info .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis
