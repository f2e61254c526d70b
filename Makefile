# `make demo` runs the main job, `make test` passes the tests; both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
COLLECTOR := collector/build/evalspan-collector
# The tests start hundreds of processes that import the same modules.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test quick check format collector soak thorough fuzz lock clean

help: ## what there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "evalspan needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[server]' --group dev
	@touch $(STAMP)

demo: $(STAMP) ## set up, and run the main job on this machine alone
	$(BIN)/evalspan demo

# A worker per core, each file on one of them: files share servers and environments.
WORKERS ?= auto
test: $(STAMP) check ## set up, check and run every test
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 4 --dist loadfile

quick: $(STAMP) ## the tests that take seconds
	$(BIN)/python -m pytest -m 'not slow' -x -q

check: $(STAMP) ## types, lint, format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright

format: $(STAMP) ## mend the format and what lint can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

collector: $(COLLECTOR) ## build the OpenTelemetry Collector (needs Go)

# The builder is of the components' version.
$(COLLECTOR): collector/builder.yaml $(wildcard collector/gate/*)
	@command -v go > /dev/null || { echo 'make collector needs Go (https://go.dev/dl); collector/Dockerfile does not' >&2; exit 1; }
	GOBIN=$(CURDIR)/collector/bin go install \
		go.opentelemetry.io/collector/cmd/builder@$$(sed -n 's/.*otlpreceiver //p' collector/builder.yaml)
	cd collector && bin/builder --config builder.yaml

soak: $(STAMP) $(COLLECTOR) ## the fault tests with outages of a minute and 50 kills, and ten times too much load
	EVALSPAN_TEST_OUTAGE=60 EVALSPAN_TEST_KILLS=50 $(BIN)/python -m pytest tests/collector/test_faults.py tests/faults -s
	$(BIN)/python benchmarks/overload.py

EFFORT ?= 10
thorough: $(STAMP) ## what tests generate, EFFORT times as much of it as `make test` tries
	EVALSPAN_TEST_EFFORT=$(EFFORT) $(BIN)/python -m pytest tests/analysis/test_search_agrees.py tests/api/test_openapi.py

# Seconds of all targets together; TARGETS=search is one of tests/fuzz/targets.py alone.
SECONDS ?= 300
fuzz: $(STAMP) ## look for input that makes a decoder fail; findings go to .cache/fuzz
	PYTHONPATH=tests $(BIN)/python -m fuzz $(SECONDS) $(TARGETS)

lock: ## renew requirements.lock from pyproject.toml
	rm -rf .lock && $(PYTHON) -m venv .lock
	.lock/bin/python -m pip install --quiet --upgrade pip
	.lock/bin/python -m pip install --quiet --editable '.[server]' --group dev
	echo '# Every version, by name alone, so that it serves with any index. Made by `make lock`.' > requirements.lock
	.lock/bin/python -m pip freeze --exclude-editable >> requirements.lock
	rm -rf .lock

clean: ## remove the environment
	rm -rf $(VENV)
