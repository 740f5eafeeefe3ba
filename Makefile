# make train    set up and train on the screen: make train ARGS="--preset smoke"
# make test     set up and run the tests
# make faults   set off everything that can go wrong, and print a table of it
# make check    the linters
# make venv     set up only

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

.PHONY: train test faults check venv clean

train: venv
	$(BIN)/cifar-tui train $(ARGS)

test: venv
	$(BIN)/python -m pytest $(ARGS)

faults: venv
	$(BIN)/python -m pytest --faults --timeout 600 $(ARGS)

check: venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

venv: $(READY)

# Installed again only when what is needed changes.
$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $(READY)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
