# Python 3.11+ with venv, make and git are all that has to be there first.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
PIP    := $(PY) -m pip --disable-pip-version-check --no-input install -qq
# two workers, whatever the machine; each of them one BLAS thread (tests/conftest.py says the same to a bare pytest)
PYTEST := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(PY) -m pytest -n 2

# The real corpora lie beside the checkout where there are any; nothing but the tests and benchmarks made for them needs them.
RUBRICATOR_DATA ?= $(realpath ../shared/data/corpora)
ifneq ($(RUBRICATOR_DATA),)
export RUBRICATOR_DATA
endif

.DEFAULT_GOAL := help
.PHONY: help demo test quick lint format serve quality bench lock lock-upgrade clean

help: ## what can be made
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

# --no-deps: the lock is the whole list, there is nothing to resolve. --no-compile, then compileall: on all cores, and also where Python is told not to write bytecode; a start without it takes twice as long.
# The project itself is installed in place, without a download: setuptools is in the lock.
$(STAMP): requirements-dev.txt pyproject.toml setup.py $(wildcard service/inference/kernel/*.[ch])
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	@echo "making the environment in ./$(VENV)" >&2
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PIP) --no-compile --no-deps --require-hashes -r requirements-dev.txt
	$(PIP) --no-deps --no-build-isolation -e .
	$(PY) -m compileall -q -j 2 service training $(VENV)/lib > /dev/null || true
	@touch $@

demo: $(STAMP) ## show the main job, end to end, in a temporary home
	@$(PY) -m training.demo

test: lint ## lint, types and all tests, slow ones too
	$(PYTEST)

quick: $(STAMP) ## the tests not marked slow
	$(PYTEST) -m "not slow"

lint: $(STAMP) ## ruff, mypy, import contracts, hadolint
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/hadolint Dockerfile

format: $(STAMP) ## let ruff mend what it can
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

serve: $(STAMP) ## keep the service up on http://127.0.0.1:8000
	$(VENV)/bin/rubricator serve

# Hash-locked for every platform and every Python from 3.11 on. The full lock comes first and the smaller ones are cut from it,
# so that an image runs the very versions that were tested. Versions stay as they are unless `lock-upgrade` asks for newer ones.
LOCK = env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL -u UV_FIND_LINKS -u UV_EXTRA_INDEX_URL \
	$(VENV)/bin/uv --quiet pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	--no-annotate --custom-compile-command 'make lock'

lock: $(STAMP) ## write requirements*.txt anew from pyproject.toml
	$(LOCK) $(UPGRADE) --extra cluster --extra parquet --extra postgresql --extra s3 --extra training --group dev pyproject.toml -o requirements-dev.txt
	$(LOCK) -c requirements-dev.txt --extra postgresql --extra training pyproject.toml -o requirements-training.txt
	$(LOCK) -c requirements-dev.txt --extra postgresql pyproject.toml -o requirements.txt
	$(LOCK) -c requirements-dev.txt --group build -o requirements-build.txt

lock-upgrade: UPGRADE = --upgrade
lock-upgrade: lock ## the same with the newest versions allowed

clean: ## remove the environment and what tools left behind
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build *.egg-info

# What falls short of what was asked is printed and stays on the page; it is no error of the command.
quality: $(STAMP) ## all protocols on the real corpora, peers beside: var/quality/quality.html and .json (more than an hour of CPU)
	@mkdir -p var/quality
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(PY) -m training.protocols \
		--data $(or $(RUBRICATOR_DATA),$(error set RUBRICATOR_DATA to the folder of the corpora)) $(if $(ONLY),--only $(ONLY)) $(if $(JOBS),--jobs $(JOBS)) \
		--json var/quality/quality.json --html var/quality/quality.html

# SCALE=smoke shows that it works, SCALE=full counts all that was asked for. Models stay in var/bench: remove it to learn them anew.
bench: $(STAMP) ## speed on the real corpora, peers beside: var/bench/bench.html and .json (half an hour, more the first time)
	@mkdir -p var/bench
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(PY) -m tests.bench \
		--data $(or $(RUBRICATOR_DATA),$(error set RUBRICATOR_DATA to the folder of the corpora)) $(if $(ONLY),--only $(ONLY)) $(if $(SCALE),--scale $(SCALE)) \
		--json var/bench/bench.json --html var/bench/bench.html
