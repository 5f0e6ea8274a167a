# Every task of Combined Care. `make` alone lists them; CONTRIBUTING.md says what each one needs.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help reports readme verify test check fix lab lock reference clean

# One environment for everybody: no module path, notebook profile or plot settings of one's own.
unexport PYTHONPATH PYTHONHOME
export IPYTHONDIR := $(CURDIR)/.venv/var/ipython
export MPLCONFIGDIR := $(CURDIR)/.venv/var/matplotlib

# The environment is made for one folder (its commands hold the full path), one Python and one lock.
# It is made anew when one of them changes or when its Python no longer starts. PYTHON=... asks for
# one Python; otherwise the one that is there stays, and the newest that is suitable makes the first.
SUITABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
VERSION := import sys; print("%d.%d" % sys.version_info[:2])
CANDIDATES := python3.14 python3.13 python3.12 python3.11 python3 python
made_for = { pwd -P; "$(1)" -c '$(VERSION)'; cksum < requirements.lock; } 2>/dev/null
ifneq ($(shell cat .venv/.packages 2>/dev/null),$(shell $(call made_for,$(or $(PYTHON),.venv/bin/python))))
.PHONY: .venv/.packages
endif
ifndef PYTHON
PYTHON = $(shell for name in $(CANDIDATES); do \
	$$name -c '$(SUITABLE)' 2>/dev/null && echo $$name && break; done)
endif

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile | awk -F '\t' '{ printf "make %-10s %s\n", $$1, $$2 }'

reports: .venv/.installed ## Render every report that is out of date (ARGS="--force": all)
	.venv/bin/combined-care render $(ARGS)

readme: .venv/.installed ## Write the verdict table of README.md from reports/verdicts.json
	.venv/bin/python -m combined_care.readme

verify: .venv/.installed ## Recompute the verdicts and compare with reports/verdicts.json
	.venv/bin/combined-care verify $(ARGS)

test: .venv/.installed ## Run all tests (ARGS="-k panic": some)
	.venv/bin/python -m pytest --numprocesses 2 --no-loadscope-reorder $(ARGS)

check: .venv/.installed ## Lint, format, types and data: report, change nothing
	.venv/bin/ruff check --no-fix .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/combined-care validate

fix: .venv/.installed ## Mend what lint and format can mend
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

lab: .venv/.installed ## Open the notebooks in JupyterLab with the project's kernel
	.venv/bin/python -m ipykernel install --sys-prefix --name combined-care --display-name "Combined Care"
	.venv/bin/jupyter lab --ServerApp.root_dir="$(CURDIR)" notebooks/workbench/start.ipynb $(ARGS)

lock: .venv/.installed ## Write requirements.lock from pyproject.toml (ARGS=--upgrade: newest)
	.venv/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-annotate --custom-compile-command "make lock" --quiet \
		--output-file requirements.lock $(ARGS)

reference: ## Compute the reference values again with R
	@command -v Rscript >/dev/null || { echo "make reference needs Rscript (R 4.2 or newer)" >&2; exit 1; }
	@for script in tests/reference/*.R; do echo "$$script"; Rscript --vanilla "$$script" || exit 1; done

clean: ## Remove the environment and all caches; reports stay
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last: an interrupted installation leaves none, and the next run starts anew.
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet
.venv/.packages:
	@python="$(PYTHON)"; \
	"$$python" -c '$(SUITABLE)' 2>/dev/null || { \
		echo "Combined Care needs Python 3.11 or newer with its venv module (Debian: python3-venv)."; \
		echo "Not suitable: $${python:-$(CANDIDATES)}. Name another one: make PYTHON=..."; exit 1; } >&2; \
	echo "Making .venv with $$python from requirements.lock (about a minute)"; \
	rm -f .venv/.packages && rm -rf .venv && "$$python" -m venv .venv
	@$(PIP) install --require-hashes -r requirements.lock
	@.venv/bin/python -c 'import matplotlib.font_manager'
	@$(call made_for,.venv/bin/python) > $@

.venv/.installed: .venv/.packages pyproject.toml
	@$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@
