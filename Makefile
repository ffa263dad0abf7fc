# `make demo` and `make test` do all set-up themselves: a Debian machine with Python 3.11+, make and a C++ compiler is enough.
# uv lives in .tools, the environment in .venv, everything produced below data/artifacts; nothing leaves the clone.

PYTHON   ?= python3
TRACK    ?= canvas
METHODS  ?=
PORT     ?= 3000
JOBS     ?= 2
UV_VERSION := 0.13.8
TOOLS    := .tools
VENV     := .venv
BIN      := $(VENV)/bin
TEACHER  := .venv-teacher
UV       := $(TOOLS)/bin/uv
# Without a GPU nothing loads these two: 0.9 GB less. Whether there is one is asked each time: GPU=1 and GPU= decide it by hand.
GPU      ?= $(wildcard /dev/nvidiactl /dev/dxg)
ONLY_GPU := triton nvidia-cusolver
READY    := $(VENV)/.ready$(if $(GPU),-gpu)
EXTRAS   := --extra pii --extra train --extra math --extra release --extra postgres --extra vertex --extra dev

export DAGSTER_DISABLE_TELEMETRY := 1
# Nothing here fetches a model or a data set by itself; a base model from the hub is downloaded by its user, on purpose.
OFFLINE := HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 HF_DATASETS_OFFLINE=1

# What is looked at before the work begins (canvas_pipeline/cli/preflight.py).
CHECK := setup
demo: CHECK := demo
test: CHECK := test
dev: CHECK := dev

define NEED_UV
@test -x $(UV) && $(UV) --version | grep -q ' $(UV_VERSION)\b' || { \
	echo "· bootstrapping uv $(UV_VERSION) into $(TOOLS)"; \
	$(PYTHON) -m venv $(TOOLS) && $(TOOLS)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
endef

.DEFAULT_GOAL := help
.PHONY: help demo test dev lint bench gpu setup teacher-env prerequisites clean distclean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  variables: TRACK=$(TRACK) (or math,router, or all)  METHODS=sft,dpo,… (or all)  V=1 (the whole log)  PORT=$(PORT)  JOBS=$(JOBS)  PYTHON=$(PYTHON)"

demo: $(READY) .dagster/dagster.yaml ## contributors in, an answering GGUF out: the whole line on the embedded model (TRACK=all: every track in turn)
	TRACK="$(TRACK)" METHODS="$(METHODS)" $(OFFLINE) DAGSTER_HOME="$(CURDIR)/.dagster" $(BIN)/python -m canvas_pipeline.cli.demo $(if $(V),--verbose)

test: $(READY) ## every test, offline, on $(JOBS) cores
	$(OFFLINE) $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --no-loadscope-reorder $(TESTS)

dev: $(READY) .dagster/dagster.yaml ## the Dagster web UI on 127.0.0.1:$(PORT)
	DAGSTER_HOME="$(CURDIR)/.dagster" $(BIN)/dagster dev --workspace workspace.yaml --host 127.0.0.1 --port $(PORT)

lint: $(READY) ## formatting, rules, import direction, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: $(READY) ## measurements of the project itself (figures for docs/experiments.md)
	$(OFFLINE) $(BIN)/python -m pytest canvas_pipeline_tests/benchmarks -s

gpu: $(READY) ## measurements on a GPU with random weights of the real sizes, 7 minutes, lines of JSON (TINY=1: a dry run on the CPU)
	@$(OFFLINE) $(BIN)/python -m canvas_pipeline_tests.benchmarks.gpu $(if $(TINY),--tiny)

setup: $(READY) ## only the set-up that the others do by themselves

# vLLM pins another transformers than training needs. DRY=1 only resolves; PLATFORM=aarch64-manylinux_2_39 does so for another machine.
teacher-env: ## vLLM in an environment of its own, .venv-teacher: for the teacher and the bench (gigabytes; runs on a GPU)
	$(NEED_UV)
	UV_PROJECT_ENVIRONMENT=$(TEACHER) $(UV) sync --locked --no-build --no-install-project --extra teacher \
		$(if $(DRY),--dry-run) $(if $(PLATFORM),--python-platform $(PLATFORM))

# The stamp is written last: a set-up that broke off is taken up again by the next make.
$(READY): uv.lock pyproject.toml | prerequisites
	$(NEED_UV)
	@echo "· environment into $(VENV): the first time about 6 GB, and llama.cpp is compiled (two cores: 4 to 7 minutes, mostly silent)"
	@# Compiled once here: otherwise each of a dozen processes reads torch from source where Python may not write beside it.
	$(UV) sync --locked --compile-bytecode $(EXTRAS) $(if $(GPU),,$(ONLY_GPU:%=--no-install-package %))
	@echo "· GGUF converter of this llama.cpp"
	$(BIN)/python -m canvas_pipeline.release.converter --pip-python $(TOOLS)/bin/python
	@touch $@

# All that is in the way, a line each, before anything is done. What set-up alone needs is asked only when there is something to set up.
prerequisites:
	@failed=0; python=$(BIN)/python; set_up=; \
	lack() { echo "missing: $$1 (Debian: $$2)" >&2; failed=2; }; \
	if [ ! -e $(READY) ] || [ uv.lock -nt $(READY) ] || [ pyproject.toml -nt $(READY) ]; then \
		python=$(PYTHON); set_up=--set-up; \
		command -v c++ >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null \
			|| lack "a C++ compiler, llama.cpp is compiled here" "sudo apt install g++"; \
		if ! command -v $(PYTHON) >/dev/null; then \
			lack "$(PYTHON), Python 3.11 or later" "sudo apt install python3 python3-venv"; exit $$failed; \
		fi; \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { python=; \
			lack "Python 3.11 or later ($(PYTHON) is older)" "sudo apt install python3.11 python3.11-venv, then make PYTHON=python3.11 …"; }; \
		$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || lack "Python's venv module" "sudo apt install python3-venv"; \
	fi; \
	[ -n "$$python" ] || exit $$failed; \
	DAGSTER_HOME="$(CURDIR)/.dagster" $$python -m canvas_pipeline.cli.preflight $(CHECK) $$set_up --port $(PORT) --track "$(TRACK)" || failed=2; \
	exit $$failed

# With DAGSTER_HOME set, dagster.yaml counts only in that folder.
.dagster/dagster.yaml: dagster.yaml | prerequisites
	@mkdir -p .dagster && cp dagster.yaml $@

clean: ## remove caches (keeps the environment and everything produced)
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find canvas_pipeline canvas_pipeline_tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## also remove the environment and the tools (keeps everything produced)
	rm -rf $(VENV) $(TEACHER) $(TOOLS)
