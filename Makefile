# Everything below runs on a bare machine: Python 3.11+, make, and the package registry. All of it stays in .venv.
PYTHON ?= python3
VENV := .venv
# In quotes: its path may hold a blank.
UV := "$(or $(shell command -v uv),$(VENV)/bin/uv)"
BIN := $(VENV)/bin
# Template tools live in environments of their own: their dependencies and the project's do not agree.
TOOL := AWS_DEFAULT_REGION=eu-west-3 SAM_CLI_TELEMETRY=0 __SAM_CLI_APP_DIR="$(CURDIR)/.aws-sam/cli" $(UV) tool run --quiet --python $(VENV)/bin/python
SAM_CLI := $(TOOL) --from aws-sam-cli==1.170.0 sam
CFN_LINT := $(TOOL) --from cfn-lint==1.58.0 cfn-lint
DOCS := $(TOOL) --from properdocs==1.6.7 --with properdocs-theme-mkdocs==1.6.7 --with pymdown-extensions==13.1 \
	--with mermaidx==0.10.1 --with pygments==2.19.2 properdocs
REQUIREMENTS := layers/dependencies/requirements.txt
EXPORT := $(UV) export --locked --quiet --no-default-groups --no-emit-project --no-header
ARCH ?= arm64
# One more than there are cores: tests also wait.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
export UV_CACHE_DIR ?= $(CURDIR)/.venv/.uv-cache
export UV_TOOL_DIR ?= $(CURDIR)/.venv/.uv-tools
export UV_PROJECT_ENVIRONMENT := $(VENV)
# Where a machine forbids Python to keep what it has compiled, each program that is started compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo recording drill test test-all test-lambda-python test-site test-sam test-localstack lint types generate freeze release sbom audit build docs simulator check-openapi check-clients torture bench clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready ## Install everything into .venv, uv included where it is missing

$(VENV)/.ready: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Facteur needs Python 3.11 or newer; set PYTHON=/path/to/python3.11 (found %s)" % sys.version.split()[0])'
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(VENV)/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check 'uv>=0.13,<0.14'
	$(UV) sync --locked --quiet
	@touch $@

demo: setup ## Watch real invoices go through (INVOICES=folder deposits your own files, KEEP=1 leaves all running, SAM=1 leaves the work to containers, DATABASE=postgresql://… tries your own table: docs/try-on-your-database.md)
	@$(if $(and $(filter-out undefined,$(origin DATABASE)),$(if $(DATABASE),,empty)),$(error DATABASE is empty: make demo DATABASE=postgresql://user@host/name))
	@$(BIN)/python -m local.demo $(if $(INVOICES),--invoices "$(INVOICES)") $(if $(KEEP),--keep) $(if $(SAM),--sam) \
		$(if $(DATABASE),--database "$$DATABASE" --init="$$INIT" $(if $(DOCUMENTS),--documents "$$DOCUMENTS") $(if $(BUYERS),--buyers) $(if $(YES),--yes))

drill: setup ## Break something of a running demo, and repair it by the runbook (DRILL=NAME for one of them, or DRILL=surprise)
	@$(BIN)/python -m local.drill $(DRILL)

test: setup ## Unit, contract, integration, and end-to-end tests, a case or two of each class
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not slow and not localstack and not sam" $(PYTEST_ARGS)

test-all: setup ## The same and the slow ones: other Postgres versions, mutants, fuzzing; with coverage
	@$(UV) sync --locked --quiet --inexact --group fuzz || echo "atheris has no wheel here: its tests are skipped"
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not localstack and not sam and not site" --cov --cov-report=term:skip-covered $(PYTEST_ARGS)
	@$(MAKE) --no-print-directory test-site

test-lambda-python: setup ## The same as test on Python 3.13, Lambda's own version, where there is one
	@python=$$($(BIN)/python -m local.interpreters 3.13) || exit 0; \
	UV_PROJECT_ENVIRONMENT=.local/python3.13 $(UV) run --locked --quiet --python "$$python" \
		pytest -n $(WORKERS) --dist worksteal -m "not slow and not localstack and not sam" $(PYTEST_ARGS)

test-site: docs ## Every page of the site in a headless Chromium, on a laptop's and a phone's window (CHROMIUM=/path where it is not found; skipped without one)
	@$(UV) sync --locked --quiet --inexact --group site || echo "playwright has no wheel here: the tests of the site are skipped"
	$(BIN)/pytest -n0 -m site tests/site $(PYTEST_ARGS)

test-sam: export SAM_COMMAND = $(SAM_CLI)
test-sam: setup ## Every function and every event by the real SAM CLI, in containers (needs Docker; root and debootstrap do)
	@$(MAKE) --no-print-directory build ARCH=x86_64
	@$(SAM_CLI) --version
	@UV=$(UV) $(BIN)/python -m local.sam_local $(PYTEST_ARGS)

test-localstack: setup ## Queue, secrets, documents and the handlers' whole way on LocalStack, without Docker or a token (needs Python 3.13; DOCKER=1: the template itself, with Docker and the internet)
ifdef DOCKER
	@$(MAKE) --no-print-directory build ARCH=x86_64
	@UV=$(UV) $(BIN)/python -m local.localstack $(BIN)/pytest -n0 -m "localstack and not slow" tests/e2e/test_stack_e2e.py $(PYTEST_ARGS)
else
	@UV=$(UV) $(BIN)/pytest -n0 -m localstack tests/localstack $(PYTEST_ARGS)
endif

lint: setup ## ruff, what may import what, the lock file, the generated requirements, the template, the documents' links
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(UV) lock --check --quiet
	@$(EXPORT) | diff $(REQUIREMENTS) - || (echo "$(REQUIREMENTS) is stale: run make generate"; exit 1)
	$(CFN_LINT) template.yaml
	$(SAM_CLI) validate --lint
	$(DOCS) build

generate: setup ## Write anew what follows from the code: the version's copies, requirements, the tables of settings and targets, docs/schema.sql
	$(BIN)/python -m local.release.version
	$(EXPORT) --output-file $(REQUIREMENTS)
	$(BIN)/python -m local.readme
	$(BIN)/python -m local.schema_dump > docs/schema.sql.new && mv docs/schema.sql.new docs/schema.sql

freeze: setup ## Keep this version's code for the tests of upgrades (DATE=2026-12-31 also dates its entry in the changelog, which releases it)
	@$(BIN)/python -m local.release.frozen $(if $(DATE),--date "$(DATE)")

release: setup ## Build all that a release publishes from the commit that is checked out, into .local/release (TAG=v0.1.0 to hold it to a tag)
	@$(BIN)/python -m local.release $(if $(TAG),--tag "$$TAG")

sbom: setup ## Write .local/sbom: a CycloneDX list of what is deployed, and the third parties' licences
	@mkdir -p .local/sbom
	$(UV) export --locked --quiet --no-default-groups --no-emit-project --format cyclonedx1.5 --output-file .local/sbom/facteur.cdx.json
	$(BIN)/python -m local.notices > .local/sbom/THIRD_PARTY_NOTICES.md

audit: setup ## Known weaknesses of what is deployed, the workflow, the template (needs the package registry)
	$(TOOL) --from pip-audit==2.10.1 pip-audit --requirement $(REQUIREMENTS) --disable-pip --no-deps
	$(TOOL) --from zizmor==1.32.0 zizmor --offline .github
	$(TOOL) --from checkov==3.3.30 checkov --quiet --compact --framework cloudformation --file template.yaml --config-file .ci/checkov.yaml

types: setup ## mypy, strict
	$(BIN)/mypy

build: setup ## Build the layers for Lambda into .aws-sam, without Docker (ARCH=arm64 or x86_64)
	@find functions layers -name __pycache__ -prune -exec rm -rf {} +
	ARCH=$(ARCH) UV="$$(realpath "$$(command -v $(UV))")" $(SAM_CLI) build --parameter-overrides Architecture=$(ARCH)

recording: setup ## Run the demo, and draw what it printed as docs/demo.svg
	@$(BIN)/python -m local.recording

docs: setup ## Build the site of README and docs/ into .site (a broken link between pages, or anchor, fails)
	$(DOCS) build

simulator: setup ## Start the platform simulator alone (PORT=8080, PLATFORM=iopole)
	@$(BIN)/python -m local.simulator --port $(or $(PORT),8080) --platform $(or $(PLATFORM),iopole)

check-openapi: setup ## Check the simulators, and what Facteur asks of them, against the OpenAPI files in a folder of yours (SPECS=folder)
	@$(BIN)/python -m local.openapi "$(SPECS)"

check-clients: setup ## Run other people's AFNOR clients on the simulator, in an environment of their own (needs PyPI)
	@$(BIN)/uv venv --quiet --allow-existing .local/clients
	@$(BIN)/uv pip install --quiet --python .local/clients $(or $(CLIENTS),pyfrctc==0.24 mcp-facture-electronique-fr==0.9.1)
	@$(BIN)/python -m local.clients .local/clients/bin/python

torture: setup ## Kill and stall everything everywhere, then count the deposits (RUNS=1000, SECONDS=180, PLATFORM=superpdp|afnor|mixed, SEED=... to replay)
	@$(BIN)/python -m local.torture $(if $(PLATFORM),--platform $(PLATFORM)) $(if $(SEED),--seed "$$SEED") $(if $(RUNS),--runs $(RUNS)) $(if $(SECONDS),--seconds $(SECONDS))

bench: setup ## Measure speed and cost, and write docs/benchmarks.md (ONLY=relay, BASELINE=file.json to compare, SCALE=0.05 to be quick)
	@$(BIN)/python -m local.bench $(if $(ONLY),--only $(ONLY)) $(if $(SCALE),--scale $(SCALE)) $(if $(BASELINE),--baseline "$(BASELINE)")

clean: ## Remove everything that the other targets made
	rm -rf $(VENV) .aws-sam .local .site .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
