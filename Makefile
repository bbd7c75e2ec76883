# Tasks of the template's repository. `make help` lists them; a generated project has a Makefile of its own.

.DEFAULT_GOAL := help
.PHONY: help demo test test-all bench checked faults lint docs clean

ARGS ?=
# Use a Python that is there, never download one.
export UV_PYTHON_DOWNLOADS ?= never
UV := $(or $(shell command -v uv 2>/dev/null),.tools/uv/bin/uv)
RUN := "$(UV)" run --quiet --no-sync

help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: .venv/installed ## Make demo/corner_shop, set it up, build, lint and document it
	@$(RUN) python -m tests.demo $(ARGS)

test: .venv/installed checked ## Run the tests of a quarter of an hour (ARGS="-k hooks" for a part of them)
	@$(RUN) pytest -n 2 --dist worksteal -m "not long" $(ARGS)

test-all: .venv/installed checked ## Run every test, those marked long too
	@$(RUN) pytest -n 2 --dist worksteal $(ARGS)

checked: .venv/installed
	@$(RUN) python -m tests.render_docs --check
	@$(RUN) ruff check --quiet hooks src tests
	@$(RUN) ruff format --check --quiet hooks src tests
	@$(RUN) lint-imports --no-logo >/dev/null || $(RUN) lint-imports --no-logo

bench: .venv/installed ## Measure the speed of generation, setup, build and hooks
	@$(RUN) python -m tests.benchmarks $(ARGS)

faults: .venv/installed ## Kill 200 releases at random moments, fill disks, and see that prod stays whole (an hour)
	@$(RUN) python -m tests.faults $(ARGS)

lint: .venv/installed ## Check this repository's own Python, and what may import what
	@$(RUN) ruff check hooks src tests
	@$(RUN) ruff format --check hooks src tests
	@$(RUN) lint-imports --no-logo

docs: .venv/installed ## Write the generated parts of the README and docs anew
	@$(RUN) python -m tests.render_docs

clean: ## Remove the demo, the tools and all caches
	rm -rf .tools .venv demo build .pytest_cache .hypothesis .ruff_cache .import_linter_cache .import_linter_cache

.venv/installed: pyproject.toml $(if $(filter .tools/%,$(UV)),.tools/uv/bin/uv)
	@"$(UV)" sync
	@touch $@

.tools/uv/bin/uv:
	@echo "uv is not installed: putting it into .tools/uv"
	@for python in python3 python3.13 python3.12 python3.11 python; do \
	  if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
	    $$python -m venv --clear .tools/uv && .tools/uv/bin/python -m pip install --quiet --disable-pip-version-check uv && exit 0; \
	    echo "uv could not be installed with $$python. Install uv yourself (docs.astral.sh/uv), then try again." >&2; exit 1; \
	  fi; \
	done; \
	echo "No Python 3.11, 3.12 or 3.13 is on the PATH, and the tools need one of them. Install one, then try again." >&2; exit 1
