# `make help` lists what there is. Everything runs in .venv, which the first target that needs it makes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
STRICT ?=
PORT ?= 8000
TORCH := torch==2.13.0
# A file's tests stay in one process, so that what they share (a training, a marked class) is made once.
BY_FILE := -n auto --dist loadfile
# Most of a test on JAX is compiling, and with few optimizations that takes a quarter less.
QUICK_TO_COMPILE := --xla_backend_optimization_level=0
# What computes with Keras, and so has to do it on every backend.
ON_EVERY_BACKEND := $(addprefix tests/test_,$(addsuffix .py,cells bptt layers gradients linear architectures architectures_grid architectures_language_model decoding ctc transformers training influence main))

.DEFAULT_GOAL := help
.PHONY: help book pdf test test-jax test-torch test-site notebooks course lab serve weave requirements clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-13s %s\n", $$1, $$2 }'

$(READY): requirements.txt pyproject.toml tools/ipython_kernel_config.py tools/node/package-lock.json
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v <= (3, 13) else f"This needs Python 3.10 to 3.13; {sys.executable} is {v[0]}.{v[1]}. Name another: make book PYTHON=python3.12")'
	@echo "Making $(VENV) and installing what requirements.txt pins: about 1 GB the first time."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --prefix tools/node --ignore-scripts --no-progress
	@mkdir -p $(VENV)/etc/ipython && cp tools/ipython_kernel_config.py $(VENV)/etc/ipython/
	@touch $@

book: $(READY) ## build the site in _build/html (STRICT=1: a warning is an error)
	@$(BIN)/python -m tools.weave
	@$(BIN)/python -m tools.assignments
	@$(BIN)/python -m tools.build $(if $(STRICT),--strict)

pdf: book ## put the whole book as one PDF, and the site as a zip file, into _build/html/downloads (needs Chromium)
	@$(BIN)/python -m tools.take_away

test: $(READY) ## run the tests of the package, on TensorFlow and JAX, of the tools, and every notebook
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m tools.weave --check
	@$(BIN)/python -m tools.assignments --check
	@$(BIN)/python -m pytest $(BY_FILE) tests --ignore tests/site
	@$(MAKE) --no-print-directory test-jax
	@$(BIN)/python -m tools.run_notebooks

test-jax: $(READY) ## run the tests of the package on JAX
	@XLA_FLAGS=$(QUICK_TO_COMPILE) KERAS_BACKEND=jax $(BIN)/python -m pytest -n auto $(ON_EVERY_BACKEND)

test-torch: $(READY) ## install PyTorch and run the tests of the package on it
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet $(TORCH)
	@OMP_NUM_THREADS=1 KERAS_BACKEND=torch $(BIN)/python -m pytest -n auto $(ON_EVERY_BACKEND) tests/test_benchmarks.py

test-site: pdf ## test the built site in a browser (needs Chromium)
	@$(BIN)/python -m pytest -n auto tests/site

notebooks: $(READY) ## run every notebook as a learner has it: alone, the package from its wheel
	@$(BIN)/python -m tools.run_notebooks

weave: $(READY) ## make notebooks/ from book/, running the chapters whose code changed
	@$(BIN)/python -m tools.weave
	@$(BIN)/python -m tools.assignments

course: $(READY) ## make course/, with the teacher's notebooks, to hand out and mark assignments
	@$(BIN)/python -m tools.assignments --course course

lab: $(READY) ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks

serve: book ## build the site and serve it at http://localhost:8000 (PORT=8000)
	@$(BIN)/python -m tools.serve $(PORT)

requirements: $(READY) ## pin anew what pyproject.toml asks for
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra book --extra teach --extra test --universal --python-version 3.10 --upgrade \
		--no-annotate --quiet --custom-compile-command "make requirements" --output-file requirements.txt

clean: ## delete what was built, and .venv
	rm -rf $(VENV) tools/node/node_modules _build build rnn_course.egg-info .pytest_cache .ruff_cache .hypothesis
