# Everything starts from Python 3.11 and make: `make demo` shows a result, `make test` proves the package.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-fast test-all lint docs benchmarks clean

$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(VENV)/.installed  ## three methods on the embedded letters, three seeds each: a table, a picture, a page
	$(BIN)/gzsl sweep letters --out demo-runs --workers 2
	@$(BIN)/gzsl plot demo-runs/cada-vae-letters-s0-* > /dev/null
	@$(BIN)/gzsl report letters --out demo-runs --html demo-runs/report.html --no-features > /dev/null
	@echo "letters that were never seen, and what they were taken for:"
	@ls demo-runs/cada-vae-letters-s0-*/pictures/examples.png
	@echo "every number and figure, to open in a browser:"
	@echo demo-runs/report.html
	@echo "what calibration and the head of a generator do, and what every other method reaches: docs/letters.md"

test: $(VENV)/.installed lint  ## checks and tests, without those marked slow
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-fast: $(VENV)/.installed  ## the tests of every part that take no time
	$(BIN)/python -m pytest -n 2 --dist worksteal -m fast

test-all: $(VENV)/.installed lint  ## checks and all tests: whole trainings, studies and notebooks too
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(VENV)/.installed  ## remake the generated pages, and the site: build/site/index.html
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

benchmarks: $(VENV)/.installed  ## every benchmark, one after the other
	for name in wgan_iteration generator_iterations gan_iterations batched_seeds budget_recipes region_attention bi_vaegan_iteration pooled_scores graph_convolution eszsl_grid closed_form_grids bilinear_ranking classical_recipes eszsl_memory load_second_time curve calibrators joint_heads extraction predict_memory sweep sweep_soak; do $(BIN)/python -m benchmarks.$$name || exit 1; done

clean:
	rm -rf $(VENV) build *.egg-info demo-runs
