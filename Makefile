# Everything a developer does, as one word each. `make help` lists them.
# All set-up happens in .venv and build/; nothing is installed elsewhere.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
CARGO := cargo
MANIFEST := --manifest-path rust/Cargo.toml
PURE := tensor-core autograd nn optim corten
WORKERS ?= 2

# Stamps live inside the environment, so that removing it forgets them too.
TOOLS := $(VENV)/.tools
EDITABLE := $(VENV)/.editable
NATIVE := $(VENV)/.native
RUST_SOURCES := $(shell find rust -name target -prune -o \( -name '*.rs' -o -name '*.toml' -o -name Cargo.lock \) -print)

.DEFAULT_GOAL := help
.PHONY: help survey prerequisites venv build dev demo test sanitize bench reference format lint rust-lint python-lint rust-test python-test wheels clean

help:
	@echo "make demo    build everything and train a classifier of handwritten digits"
	@echo "make test    every check: Rust and Python tests, linters, types, wheels"
	@echo "make sanitize  the Rust tests, with every access to memory checked"
	@echo "make bench   time Corten, beside PyTorch where that is installed"
	@echo "make reference  pages of all operators, into build/reference"
	@echo "make build   release build of the runtime and editable installs, into $(VENV)"
	@echo "make dev     the same with the quick development profile"
	@echo "make format  format Rust and Python"
	@echo "make lint    formatters in check mode, linters, types, layers"
	@echo "make wheels  wheels of all six distributions, into build/wheels"
	@echo "make clean   remove everything that was built"

prerequisites:
	@sh tools/prerequisites.sh $(PYTHON)

$(TOOLS): dev-requirements.txt | prerequisites
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --upgrade --requirement dev-requirements.txt
	@touch $@

venv: $(TOOLS)

$(NATIVE): $(RUST_SOURCES) $(TOOLS)
	VIRTUAL_ENV=$(abspath $(VENV)) $(VENV)/bin/maturin develop --quiet --release --manifest-path rust/python/Cargo.toml
	@touch $@

$(EDITABLE): $(PURE:%=packages/%/pyproject.toml) $(TOOLS)
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(PURE:%=--editable packages/%)
	@touch $@

build: $(NATIVE) $(EDITABLE)

dev: $(EDITABLE)
	VIRTUAL_ENV=$(abspath $(VENV)) $(VENV)/bin/maturin develop --quiet --manifest-path rust/python/Cargo.toml
	@rm -f $(NATIVE) # so that what asks for the release build gets it

demo: build
	$(PY) examples/digits.py

bench: build
	$(PY) -m benchmarks

reference: build
	$(PY) tools/reference.py

wheels: $(TOOLS)
	$(PY) tools/wheels.py

format: $(TOOLS)
	$(CARGO) fmt $(MANIFEST) --all
	$(VENV)/bin/ruff format --quiet
	$(VENV)/bin/ruff check --quiet --fix

rust-lint: | prerequisites
	$(CARGO) fmt $(MANIFEST) --all --check
	$(CARGO) clippy $(MANIFEST) --quiet --release --workspace --all-targets -- -D warnings

python-lint: build
	$(VENV)/bin/ruff format --check --quiet
	$(VENV)/bin/ruff check --quiet
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

lint: rust-lint python-lint

# One profile for build, tests and wheels, so that the kernels are optimised once.
rust-test: | prerequisites
	if $(CARGO) nextest --version >/dev/null 2>&1; then \
	    $(CARGO) nextest run $(MANIFEST) --cargo-quiet --release --workspace --no-tests=pass --status-level=slow; \
	else \
	    $(CARGO) test $(MANIFEST) --quiet --release --workspace --all-targets; \
	fi
	$(CARGO) test $(MANIFEST) --quiet --release --workspace --doc

# The sanitizer is an unstable flag, which the stable compiler takes when told so; the Python module needs an interpreter.
HOST = $(shell rustc -vV | sed -n 's/host: //p')
sanitize: | prerequisites
	RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" $(CARGO) test $(MANIFEST) --quiet --target $(HOST) \
	    --target-dir rust/target/sanitize --workspace --exclude corten-python --tests

survey: build
	$(PY) -m pytest tests/test_values.py tests/test_gradients.py tests/test_hostile.py --numprocesses $(WORKERS) --hypothesis-profile=survey

python-test: build wheels
	$(PY) -m pytest --numprocesses $(WORKERS)

test:
	$(MAKE) rust-lint build python-lint rust-test wheels python-test

clean:
	rm -rf build dist $(VENV) rust/target .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find rust/python -name '*.so' -delete
