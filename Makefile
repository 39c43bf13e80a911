# Everything a developer does with Godown. Needs python 3.11 or newer with venv, and nothing else.
PYTHON ?= python3
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links
# Production settings with secrets that live as long as one command. Nothing connects to these addresses.
DEPLOY := env DJANGO_SETTINGS_MODULE=config.settings.production DEBUG=false REGISTRATION=closed \
	SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_hex(40))')" \
	DB_ENCRYPTION_KEY="$$($(BIN)/python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')" \
	DATABASE_URL=postgres://godown@127.0.0.1/godown REDIS_URL=redis://127.0.0.1/0 \
	ALLOWED_HOSTS=godown.example.com APP_BASE_URL=https://godown.example.com

APPS := accounts config core inventory planning purchasing sales

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run fake-wise test check format lint types imports migrations deploy schema openapi css styles check-security bench lock fmt clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-15s %s\n", $$1, $$2 }'

run: $(VENV)/.runtime ## Migrate, seed and serve on 127.0.0.1:$PORT (8000), with worker and schedule
	@$(BIN)/python bin/run.py

fake-wise: $(VENV)/.dev ## Run a pretend Wise on 127.0.0.1:$PORT (8090) to try payments by hand
	@$(BIN)/python -m tests.fake_wise

test: $(VENV)/.dev ## Run the whole test suite on SQLite, then on a real PostgreSQL and Redis; PYTEST_ARGS goes to pytest
	$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)
	$(BIN)/python -m tests.servers -- $(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

check: format lint types imports migrations deploy schema ## Run every check that is not a test

format: $(VENV)/.dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

migrations: $(VENV)/.dev
	DATABASE_URL=sqlite://:memory: $(BIN)/python manage.py makemigrations --check --dry-run

deploy: $(VENV)/.dev
	@echo "manage.py check --deploy --fail-level WARNING, with production settings"
	@$(DEPLOY) $(BIN)/python manage.py check --deploy --fail-level WARNING

schema: $(VENV)/.dev
	@mkdir -p var
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file var/openapi.yaml
	@diff -u docs/openapi.yaml var/openapi.yaml || { echo "docs/openapi.yaml is old: run 'make openapi'."; exit 1; }

openapi: $(VENV)/.dev ## Write docs/openapi.yaml anew
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

css: assets/node_modules/.package-lock.json ## Build static/app.css from assets/app.css (needs Node)
	npm --prefix assets run --silent build

styles: assets/node_modules/.package-lock.json
	@mkdir -p var && cd assets && npx tailwindcss --input app.css --output ../var/app.css --minify 2>/dev/null
	@cmp static/app.css var/app.css || { echo "static/app.css is old: run 'make css'."; exit 1; }

assets/node_modules/.package-lock.json: assets/package-lock.json
	npm --prefix assets ci --no-audit --no-fund
	@touch $@

check-security: $(VENV)/.dev ## Look for risky calls, and send requests made from the OpenAPI document as every role
	$(BIN)/bandit --quiet -ll --recursive $(APPS) bin manage.py --exclude '*/migrations/*'
	$(BIN)/python -m pytest -n auto tests/fuzz_api.py

bench: $(VENV)/.dev ## Measure speed on a private PostgreSQL and Redis
	$(BIN)/python -m tests.servers --durable -- $(BIN)/python -m bench

fmt: $(VENV)/.dev ## Format the code and repair what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/.dev ## Pin requirements*.in with hashes into requirements*.txt
	$(COMPILE) --output-file requirements.txt requirements.in
	$(COMPILE) --output-file requirements-dev.txt requirements-dev.in

clean: ## Remove .venv and everything generated; var/ with your data stays
	rm -rf $(VENV) staticfiles .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Godown needs Python 3.11 or newer: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	@$(PIP) --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --quiet --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(PIP) install --quiet --require-hashes -r requirements-dev.txt
	@touch $@
