# Two commands: `make refresh` publishes, `make test` checks. Both install what they need into .venv
# from the lock files; Python 3.11 to 3.13 and make are enough.

VENV := .venv
BIN := $(VENV)/bin
UV := uv==0.13.9
PYTHON ?= $(shell for candidate in python3.12 python3.13 python3.11 python3; do \
	command -v $$candidate >/dev/null 2>&1 && \
	$$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && \
	echo $$candidate && break; done)

.PHONY: refresh test nightly dev lint lint-types lint-sql lineage clean

refresh: $(VENV)/.runtime
	@$(BIN)/clientele refresh

test: lint
	@$(BIN)/pytest -n 2

# What takes too long for every commit: real data in ten portions, and new examples for properties.
nightly: $(VENV)/.dev
	@CLIENTELE_NIGHTLY=1 HYPOTHESIS_PROFILE=search $(BIN)/pytest -n 2

dev: $(VENV)/.runtime
	@$(BIN)/clientele dev

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory --jobs 2 lint-types lint-sql

lint-types: $(VENV)/.dev
	@$(BIN)/mypy

lint-sql: $(VENV)/.dev
	@$(BIN)/sqlfluff lint --processes 2 models tests/data

# The picture of the lineage in README.md is generated; a test says when it is out of date.
lineage: $(VENV)/.dev
	@mkdir -p target/work
	@CLIENTELE_WAREHOUSE=target $(BIN)/dbt compile --quiet --profiles-dir . --target-path target
	@$(BIN)/python -m orchestration.lineage

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "clientele: no Python 3.11 to 3.13 was found; install one, or run make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# Of certificates uv knows its own; behind a company's proxy only those of the machine do, as for pip.
CERTIFICATES := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt \
	/etc/ssl/cert.pem),--system-certs)

# uv installs in seconds; where it cannot be had, pip does the same in minutes.
define install
	@echo "Installing $(1) (once, and when it changes) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV) 2>/dev/null || true
	@if [ -x $(BIN)/uv ]; then \
		VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install $(CERTIFICATES) --quiet --compile-bytecode --require-hashes -r $(1) && \
		VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install $(CERTIFICATES) --quiet --no-deps --no-build-isolation -e .; \
	else \
		$(BIN)/python -m pip install --quiet --require-hashes -r $(1) && \
		$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .; \
	fi
endef

$(VENV)/.runtime: $(VENV)/.python requirements.lock pyproject.toml
	$(call install,requirements.lock)
	@touch $@

$(VENV)/.dev: $(VENV)/.python requirements-dev.lock pyproject.toml
	$(call install,requirements-dev.lock)
	@touch $@ $(VENV)/.runtime

clean:
	rm -rf $(VENV) target logs .pytest_cache .mypy_cache .ruff_cache
