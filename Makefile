# Everything starts here: `make run` and `make test` need python3 (3.11 to 3.14), make and git, and set up the rest.

# The first Python on this machine that will do.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && echo "$$p" && break; done)
TESTS ?= tests

.DEFAULT_GOAL := help
.PHONY: help run test test-fast lint lock setup clean browser

help: ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/'
	@printf '\nmake run takes HOST, PORT and DAYTIME=1 (make run PORT=9000); make test takes TESTS (make test TESTS=tests/house/test_setup.py).\n'

run: setup ## Start the agency and print its address; Ctrl-C stops it
	@$(if $(HOST),HOST='$(HOST)') $(if $(PORT),PORT='$(PORT)') exec .venv/bin/ops run --end-with-parent $(if $(DAYTIME),--daytime)

test: setup browser ## Lint, then types beside every test
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check --quiet
	@.venv/bin/mypy --no-error-summary ops & types=$$!; \
		.venv/bin/python -m pytest -n 3 --dist loadfile $(TESTS); tests=$$?; wait $$types && exit $$tests

test-fast: setup ## Everything but browsers, kills and whole processes, for everyday use
	@.venv/bin/python -m pytest -n 3 --dist loadfile -m "not browser and not kills" $(TESTS)

lint: setup ## Lint, format and types
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy ops

setup: python ## The environment in .venv, made again when the lock changed
	@$(PYTHON) dev/environment.py

lock: python ## requirements.lock again, with the newest versions pyproject.toml allows
	@$(PYTHON) dev/environment.py lock

browser: python
	@$(PYTHON) dev/environment.py browser

clean: ## Remove what was made here, but not var/ (the data)
	rm -rf .venv .uv build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: python
python:
	@test -n "$(PYTHON)" || { echo 'Python 3.11 to 3.14 is needed; python3 here is' \
		"$$(python3 --version 2>/dev/null || echo missing)." >&2; exit 1; }
