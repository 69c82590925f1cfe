# Every target sets up what it needs. `make serve` and `make test` are all a fresh machine has to know.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps
CONSOLE := src/isthmus/console_files/index.html
CONSOLE_SOURCES := $(shell find console -type f -not -path 'console/node_modules/*' -not -path 'console/tests/*')

.PHONY: serve console test demo check bench mutation docs screenshots format lock s3tests clean

serve: $(STAMPS)/runtime console
	$(BIN)/isthmus serve $(ARGS)

# The web console: built into the package, and again only when something in console/ is newer.
console: $(CONSOLE)

test: check $(STAMPS)/browser $(STAMPS)/clients
	$(BIN)/python scripts/console.py vitest run
	$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

demo: $(STAMPS)/test
	$(BIN)/isthmus demo $(ARGS)

check: $(STAMPS)/test console
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/console.py tsc --noEmit
	$(BIN)/python scripts/console.py oxlint --deny-warnings
	$(BIN)/python scripts/console.py prettier --check --log-level warn .
	$(BIN)/pytest tests/docs/test_reference.py tests/docs/test_links.py tests/test_repository.py

bench: $(STAMPS)/bench
	$(BIN)/python -m benchmarks $(ARGS)

# Every small mistake that could stand in the policy engine's core must fail a test.
mutation: $(STAMPS)/test
	$(BIN)/python scripts/mutate_policy.py $(ARGS)

s3tests: $(STAMPS)/test
	$(BIN)/python scripts/run_s3_tests.py $(ARGS)

# The generated pages of the reference; the tests fail when one is stale.
docs: $(STAMPS)/test
	$(BIN)/python scripts/generate_reference.py

# The pictures of the console in the documentation; every test run makes its own in build/screenshots.
screenshots: $(STAMPS)/browser console
	SCREENSHOTS=docs/images $(BIN)/pytest tests/console/test_screenshots.py -k pictured

format: $(STAMPS)/test console/node_modules/.package-lock.json
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python scripts/console.py prettier --write --log-level warn .

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

$(CONSOLE): $(CONSOLE_SOURCES) console/node_modules/.package-lock.json
	$(BIN)/python scripts/console.py vite build

console/node_modules/.package-lock.json: console/package.json console/package-lock.json $(STAMPS)/node
	$(BIN)/python scripts/console.py install
	touch $@

# Node.js of its own, where the machine has none that is new enough.
$(STAMPS)/node: requirements/console.txt | $(BIN)/python
	$(BIN)/python scripts/console.py --has-node || \
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/console.txt
	mkdir -p $(STAMPS) && touch $@

# Stock S3 clients for the tests that are no packages of the same environment: s3fs, and the SDK for JavaScript.
$(STAMPS)/clients: requirements/clients.txt tests/stock/javascript/package-lock.json $(STAMPS)/node
	$(PYTHON) -m venv $(VENV)-clients
	$(VENV)-clients/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/clients.txt
	$(BIN)/python scripts/console.py install tests/stock/javascript
	touch $@

# Debian's Chromium for the tests of the console, and a NATS server for those of events; elsewhere install a Chromium
# or Chrome before.
$(STAMPS)/browser: $(STAMPS)/test
	($(BIN)/python scripts/find_browser.py && command -v nats-server) || (apt-get update --quiet --quiet && \
	DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends chromium nats-server)
	touch $@

$(STAMPS)/bench: requirements/bench.txt benchmarks/package-lock.json $(STAMPS)/test
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	if command -v npm >/dev/null; then npm ci --prefix benchmarks --silent; fi
	mkdir -p $(STAMPS) && touch $@

clean:
	rm -rf $(VENV) $(VENV)-bench $(VENV)-clients $(STAMPS) dist build console/node_modules src/isthmus/console_files
