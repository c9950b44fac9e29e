# Each target sets itself up: a virtual environment in $(VENV), nothing installed by hand.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DEMO ?= demo
TORCH ?= torch

.PHONY: help demo test test-long check test-oldest test-torch test-ray test-peers lint docs pictures coverage bench trust train clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

$(VENV)/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("animeds-db needs Python 3.11 or newer; this is " + sys.version.split()[0] + " (make PYTHON=python3.12 …)" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

demo: $(VENV)/installed ## draw a small show, ingest it, ask it questions, export a training folder
	PATH="$(abspath $(BIN)):$$PATH" DEMO="$(DEMO)" sh docs/demo.sh

test: $(VENV)/installed ## run the tests
	$(BIN)/python -m pytest -m "not long" -n auto --dist worksteal

test-long: $(VENV)/installed ## run the tests that repeat for minutes what others try once (every night)
	$(BIN)/python -m pytest -m long -n auto --dist worksteal

# An environment that only has what is installed into it later; everything else it takes from the one in $(VENV).
$(VENV)-%/over: $(VENV)/installed
	$(BIN)/python -m venv --without-pip $(VENV)-$*
	below=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
	above=$$($(VENV)-$*/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
	echo "import site; site.addsitedir('$$below')" > "$$above/over.pth"
	@touch $@

# The nightly run adds tests/test_heavy_statements.py.
ENGINE_TESTS = $(addprefix tests/test_,traps.py session_views.py session_reading.py store_writing.py store_opening.py export_select.py)
test-oldest: $(VENV)-oldest/over ## run the tests of the engines with the oldest DuckDB and Lance that are allowed
	$(VENV)-oldest/bin/python -m pip install --quiet --disable-pip-version-check $$(sed -nE 's/^ *"(duckdb|lancedb|pylance)>=([0-9.]+),.*/\1==\2/p' pyproject.toml)
	$(VENV)-oldest/bin/python -m pytest -n 2 $(ENGINE_TESTS) $(MORE)

# The extras as pyproject.toml says them: installing the project again would write into the tree while others read it.
test-torch: $(VENV)-torch/over ## run the tests of the [torch] and [ocr] extras, and of the training's nets (installs 1.5 to 6 GB; TORCH=torch==… picks a release)
	$(VENV)-torch/bin/python -m pip install --quiet --disable-pip-version-check "$(TORCH)" $$($(BIN)/python -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; print(*extras["torch"], *extras["ocr"])')
	$(VENV)-torch/bin/python -m pytest tests/test_models_torch_extra.py tests/test_describe_torch.py tests/test_screen_text.py tests/test_training_close.py tests/test_training_muon.py tests/test_training_together.py

test-ray: $(VENV)/installed ## run the tests of the [ray] extra (installs 70 MB)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev,ray]"
	$(BIN)/python -m pytest tests/test_ingest_ray.py tests/test_steps_on_workers.py

# The peer needs an older NumPy, so that it has an environment of its own.
PEERS = $(VENV)-peers
$(PEERS)/installed: | $(VENV)/installed
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check dghs-imgutils onnxruntime
	@touch $@

test-peers: $(VENV)/installed $(PEERS)/installed ## compare every model with dghs-imgutils, without weights (installs 600 MB)
	PEERS_PYTHON="$(abspath $(PEERS)/bin/python)" PEERS_TABLE="$(abspath $(PEERS)/table.md)" $(BIN)/python -m pytest tests/peers/against_imgutils.py
	@cat $(PEERS)/table.md

check: lint $(VENV)/installed ## lint and the fast tests: before every commit
	$(BIN)/python -m pytest -m fast -n auto --dist worksteal

lint: $(VENV)/installed $(VENV)/sql-is-clean ## ruff, mypy, sqlfluff, and the arrows between packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/mypy benchmarks

# All files take sqlfluff half of the time that `make check` may take, so it reads those that changed since it last passed.
SQL = $(shell find sql queries -name '*.sql')
$(VENV)/sql-is-clean: .sqlfluff .sqlfluffignore $(SQL) | $(VENV)/installed
	$(BIN)/sqlfluff lint --processes 2 $(if $(filter .sqlfluff%,$?),sql queries,$(filter %.sql,$?))
	@touch $@

coverage: $(VENV)/installed ## run the tests and report the lines and branches that they reach
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term:skip-covered --cov-report=html:build/coverage

docs: $(VENV)/installed ## build the documentation site in build/site
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	$(BIN)/python -m mkdocs build

pictures: $(VENV)/installed ## draw the pictures of the README again (needs Chromium)
	ANIMEDS_BROWSER=required $(BIN)/python docs/site/pictures.py

bench: $(VENV)/installed ## measure the claims of the README on this machine
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[bench]"
	$(BIN)/python benchmarks/run.py

trust: $(VENV)/installed ## kill, fill disks and damage files for up to 45 minutes; print what was lost (Linux, a C compiler)
	$(BIN)/python tests/trust/run.py --minutes 45

train: $(VENV)/installed ## draw the training pictures and train the tiny pack again (hours)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[train]"
	$(BIN)/python -m training.train_tiny --work .training

clean: ## remove the environment and the demo
	rm -rf $(VENV) $(VENV)-* $(DEMO) build *.egg-info
