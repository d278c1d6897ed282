# The two commands: `make demo` and `make test`. Both make the environment first, and only once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LIMIT ?= null
export BENCH_CACHE ?= $(HOME)/.cache/finai-bench
MODELS := oracle,constant,majority,random,lexical,cheat,logistic,boosting,ocr_minilm,ocr_smollm2,ocr_rag_smollm2

.PHONY: demo train-demo test weights fast hard docs check boards lint wheel clean

demo: $(VENV)/.demo
	@$(BIN)/bench fetch suite=demo model=ocr_rag_smollm2
	@$(BIN)/bench run -m suite=demo model=$(MODELS) limit=$(LIMIT)
	@$(BIN)/bench board

# Time to accuracy: five seeds of the digits that scikit-learn carries to 97 %; with BENCH_DATA also a classifier of intents on MiniLM.
train-demo: $(VENV)/.demo
	@$(BIN)/bench train task=digits model=digits_net target=accuracy:0.97 seeds=5 device=cpu device.threads=1
	@if [ -d "$$BENCH_DATA/banking77" ]; then $(BIN)/bench train task=banking77 model=minilm_classifier target=macro_f1:0.35 model.trained_layers=2 \
		seeds=1 train.limit=2000 train.evaluations=1 device=cpu; fi
	@$(BIN)/bench board digits
	@if [ -d "$$BENCH_DATA/banking77" ]; then $(BIN)/bench board banking77; fi

# Both use one core each: together they take as long as mypy does.
test: $(VENV)/.dev
	@$(MAKE) --no-print-directory -f $(firstword $(MAKEFILE_LIST)) -j2 lint weights
	BENCH_OFFLINE=1 $(BIN)/pytest -m "not slow" -n 2 --dist worksteal
	BENCH_OFFLINE=1 $(BIN)/pytest -m slow -n 2 --dist loadfile tests

# The weights are brought first, like the packages; the tests themselves reach nothing outside this machine.
weights: $(VENV)/.dev
	@$(BIN)/bench fetch suite=mini model=rag_smollm2
	@$(BIN)/bench fetch task=finmm_speech task.neural=true model=moonshine
	@if [ -n "$$BENCH_DATA" ] && command -v java > /dev/null; then $(BIN)/bench fetch task=dstc7; fi

fast: $(VENV)/.dev
	$(BIN)/pytest -m "not slow" -n 2 --dist worksteal

# Faults done to whole runs on purpose, and counted (docs/reliability.md); HARD=--short is what CI runs.
hard: $(VENV)/.dev
	$(BIN)/python -m scripts.hard $(HARD)

# The documentation as a site in build/docs/site; no page asks another machine for anything.
docs: $(VENV)/.dev
	$(BIN)/python -m scripts.docs

check: test

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# Builds a release into dist/ and tries it in an environment where nothing else is (docs/release.md).
wheel: $(VENV)/.dev
	@$(BIN)/python scripts/release.py dist

# By uv where it can be had, else by pip; the script says what it does about torch and CUDA. A stamp is set only when all is there.
$(VENV)/.demo: pyproject.toml constraints.txt scripts/install.py
	@$(PYTHON) scripts/install.py $(VENV) demo
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	@$(PYTHON) scripts/install.py $(VENV) dev
	@touch $(VENV)/.demo $@

clean:
	rm -rf $(VENV) runs
