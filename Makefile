# make train    set up and train on the screen: make train ARGS="--preset smoke"
# make test     set up and run the quick tests: two and a half minutes on two slow cores
# make test-all all tests, those with real processes and terminals, too
# make slowest  all tests, and which 20 of them took longest
# make faults   set off everything that can go wrong, and print a table of it
# make check    the linters
# make venv     set up only

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

.PHONY: train test test-all slowest faults check venv clean

train: venv
	$(BIN)/cifar-tui train $(ARGS)
	@echo "To call the program by itself: $(BIN)/cifar-tui, or source $(BIN)/activate once, then cifar-tui."

test: venv
	$(BIN)/python -m pytest $(ARGS)

test-all: venv
	$(BIN)/python -m pytest --all $(ARGS)

slowest: venv
	$(BIN)/python -m pytest --all --durations 20 $(ARGS)

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
	@echo "Installing PyTorch and the rest into $(VENV): about 3 GB to download, 6 GB on disk, with the CUDA"
	@echo "libraries that pip takes on Linux; 2 to 10 minutes. Without a GPU, 0.2 GB to download are enough:"
	@echo "  PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make $(or $(MAKECMDGOALS),train)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --progress-bar on --editable ".[dev]"
	@touch $(READY)
	@echo "Installed. The program is $(BIN)/cifar-tui; after source $(BIN)/activate it is cifar-tui."

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
