# Two commands do everything on a fresh machine with Python 3.11 to 3.13: `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test torture docs bench clean

demo: $(VENV)/.demo
	$(BIN)/geoml demo

# Three processes for two cores: tests wait for the commands that they start.
test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --numprocesses 3 --dist worksteal --durations=20

# Damaged files by the hundred a source, and every kill: more than a test run has time for.
torture: $(VENV)/.test
	GEOML_TORTURE=150 GEOML_KILLS=50 $(BIN)/python -m pytest --numprocesses 2 tests/contract tests/sources/test_grid_fuzz.py \
		tests/training tests/stages

docs: $(VENV)/.test
	$(BIN)/python -m sphinx -W -q -b html docs docs/_build/html

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) docs/_build docs/reference build dist

# The editable install follows the sources; what the stamps depend on are the requirements.
$(VENV)/.demo: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[raster,onnx]'
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[test]'
	touch $@
