# Every target sets up what it needs; the second time that is quick.
PYTHON ?= python3
POETRY := .poetry/bin/poetry
BIN := .venv/bin
MODELS ?= var/models
PAPERS ?= ../shared/papers/ai-agents
LIBRARY ?= ../shared/papers/corpus
QUESTIONS ?= ../shared/eval/agents-dev.jsonl
ROUNDS ?= 200

export POETRY_VIRTUALENVS_IN_PROJECT = true
export POETRY_VIRTUALENVS_CREATE = true
# Poetry asks an index for JSON that some do not have; through this plug-in it asks for what pip asks for.
INDEX = $$(echo "$${PIP_INDEX_URL:-$$($(PYTHON) -c 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)')}" | sed 's:/*$$:/:')
INSTALL = POETRY_PYPI_MIRROR_URL="$(INDEX)" $(POETRY) install --no-interaction

.PHONY: serve servers test check bench bench-servers recall crash faults evaluate format clean

serve: .venv/.runtime ## the service, with its papers and models
	@$(BIN)/tunedd papers fetch --quick
	@exec $(BIN)/tunedd serve

servers: .venv/.runtime ## adds what PostgreSQL, Weaviate, Ollama, Redis, Anthropic and traces need
	@$(INSTALL) --only main --all-extras

test: .venv/.development ## every test; those over servers where one is found, else they are skipped
	@$(BIN)/python -m pytest

check: .venv/.development ## style, types, layers, spelling
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell

bench: .venv/.runtime ## speed and memory, side by side with bare parts; PAPERS=folder LIBRARY="more folders"
	@TUNEDD_MODELS=$(MODELS) $(BIN)/tunedd models pull all-minilm-l6-v2
	@$(BIN)/python -m benchmarks.table $(PAPERS) $(LIBRARY) --models $(MODELS)

bench-servers: .venv/.development ## the same over servers: DATABASE=postgresql://… PASSAGES=weaviate://… OLLAMA=host:port
	@TUNEDD_MODELS=$(MODELS) $(BIN)/tunedd models pull all-minilm-l6-v2
	@$(BIN)/python -m benchmarks.weaviate "$(PASSAGES)" --papers $(PAPERS) $(LIBRARY) --questions $(QUESTIONS) \
		--model $(MODELS)/all-minilm-l6-v2
	@$(BIN)/python -m benchmarks.servers $(PAPERS) $(LIBRARY) --database "$(DATABASE)" --passages "$(PASSAGES)" \
		--ollama "$(OLLAMA)" --models $(MODELS)

recall: .venv/.runtime ## how well passages are found; PAPERS="folder …" QUESTIONS="file …"
	@TUNEDD_MODELS=$(MODELS) $(BIN)/tunedd models pull all-minilm-l6-v2
	@$(BIN)/python -m benchmarks.retrieval --papers $(PAPERS) --questions $(QUESTIONS) \
		--model $(MODELS)/all-minilm-l6-v2

crash: .venv/.development ## kills service, reader and model at random, again and again; ROUNDS=200
	@TUNEDD_MODELS=$(MODELS) $(BIN)/tunedd models pull all-minilm-l6-v2 smollm2-135m-instruct
	@$(BIN)/python -m tests.faults.kill_rounds --rounds $(ROUNDS) --models $(MODELS)

faults: .venv/.development ## a full disk, a home made read-only, a clock that jumps; as root
	@TUNEDD_MODELS=$(MODELS) $(BIN)/tunedd models pull all-minilm-l6-v2 smollm2-135m-instruct
	@$(BIN)/python -m tests.faults.disk_full --models $(MODELS)
	@$(BIN)/python -m tests.faults.read_only --models $(MODELS)
	@$(BIN)/python -m tests.faults.clock_jumps --models $(MODELS)

evaluate: .venv/.runtime ## how well questions are answered, by a service of its own; PAPERS=folder QUESTIONS=file
	@TUNEDD_MODELS=$(MODELS) $(BIN)/tunedd models pull
	@$(BIN)/python -m benchmarks.answers $(PAPERS) --questions $(QUESTIONS) --models $(MODELS)

format: .venv/.development
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

clean: ## forgets what was installed; keeps var/, where your papers and conversations are
	rm -rf .venv .poetry .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.poetry/installed:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.x")'
	@echo "Installing Poetry into .poetry/"
	@$(PYTHON) -m venv .poetry
	@.poetry/bin/pip install --quiet --disable-pip-version-check "poetry>=2.5,<3" "poetry-plugin-pypi-mirror>=0.6,<0.7"
	@touch $@

.venv/.runtime: .poetry/installed pyproject.toml poetry.lock
	@$(INSTALL) --only main --extras embedded
	@touch $@

.venv/.development: .poetry/installed pyproject.toml poetry.lock
	@$(INSTALL) --all-extras --all-groups
	@touch $@ .venv/.runtime
