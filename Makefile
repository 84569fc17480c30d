# make demo: see a return run. make test: prove that it does. Both build .venv as needed.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check bench clean

demo: .venv/users
	$(BIN)/retour demo

test: .venv/developers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy core/src plugins/*/src
	$(BIN)/pytest -q

bench: .venv/developers
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "retour needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv .venv

# The demo needs no test tools. Where the developers' install is there already, it serves.
.venv/users: .venv/bin/python pyproject.toml core/pyproject.toml $(wildcard plugins/*/pyproject.toml)
	test -e .venv/developers || $(BIN)/pip install --quiet -r requirements-dev.txt
	touch .venv/users

.venv/developers: .venv/bin/python requirements-dev.txt core/pyproject.toml $(wildcard plugins/*/pyproject.toml)
	$(BIN)/pip install --quiet -r requirements-dev.txt
	touch .venv/developers
