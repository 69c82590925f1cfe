# Every target sets up what it needs. `make serve` and `make test` are all a fresh machine has to know.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps

.PHONY: serve test demo check bench docs format lock s3tests clean

serve: $(STAMPS)/runtime
	$(BIN)/isthmus serve $(ARGS)

test: check
	$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

demo: $(STAMPS)/test
	$(BIN)/isthmus demo $(ARGS)

check: $(STAMPS)/test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMPS)/bench
	$(BIN)/python -m benchmarks $(ARGS)

s3tests: $(STAMPS)/test
	$(BIN)/python scripts/run_s3_tests.py $(ARGS)

# The generated pages of the reference; the tests fail when one is stale.
docs: $(STAMPS)/test
	$(BIN)/python scripts/generate_reference.py

format: $(STAMPS)/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# New locks from the .in files: versions and hashes, no address of any registry.
lock: $(STAMPS)/test
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/python scripts/lock_requirements.py

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Isthmus needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/runtime: requirements/runtime.txt pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	mkdir -p $(STAMPS) && touch $@

$(STAMPS)/test: requirements/test.txt $(STAMPS)/runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	mkdir -p $(STAMPS) && touch $@

$(STAMPS)/bench: requirements/bench.txt $(STAMPS)/test
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	mkdir -p $(STAMPS) && touch $@

clean:
	rm -rf $(VENV) $(VENV)-bench $(STAMPS) dist build
