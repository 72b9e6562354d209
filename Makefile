# `make help` lists the targets. Everything stays in this checkout: .venv, .clients, .peers, .tools, bench/bin, bench/results.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory

# Whoever wants no bytecode would have each test process, and each gateway that a test starts, compile everything anew: `make clean` removes it.
export PYTHONDONTWRITEBYTECODE :=

PYTHON_PATHS := src tests bench fuzz
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# With more room for what is young it takes a twelfth less.
PYRIGHT := NODE_OPTIONS="$$NODE_OPTIONS --max-semi-space-size=64" $(BIN)/pyright

# The unit tests run in three processes with folders of their own: handing them out one by one costs a fifth of what they take themselves,
# and each process collects only its own. Whatever no line names falls to the third.
ROOMS_1 := tests/corpus tests/properties tests/test_dialects tests/test_lower tests/test_routing tests/test_simulator tests/test_wire
ROOMS_2 := tests/test_app tests/test_config tests/test_core tests/test_policy tests/test_server tests/test_upstream
ROOMS_3 := tests $(addprefix --ignore ,tests/journeys tests/torture $(ROOMS_1) $(ROOMS_2))
UNIT := unit-1 unit-2 unit-3

# Torture that takes its time: `make torture` runs it, `make test` does not.
SLOW := $(addprefix --ignore tests/torture/test_,dying_providers.py slow_and_huge.py ways.py crowd.py)

# A test that hangs says where: nothing else takes this many seconds on any machine. It is not ended.
HANGS := -o faulthandler_timeout=1500

CORPUS ?= ../shared/corpus

.PHONY: help run test check bench bench-journal bench-peers corpus format clean format-check lint types types-all $(UNIT) servers journeys torture fuzz soak

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

run: ## set everything up and start the gateway on 127.0.0.1:8080 (ARGS="--port 9000" and the like are passed on)
	@requirements/setup.sh run
	@exec $(BIN)/dragoman serve $(ARGS)

check: ## format, lint, strict types, unit tests, architecture, docs: under a minute
	@requirements/setup.sh dev
	@HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE-quick} $(MAKE) -j6 -Otarget types $(UNIT) lint format-check MARKS='not server and not long'

test: ## make check with nothing shortened, then what needs servers of its own, and the journeys with real clients and a real model
	@requirements/setup.sh journeys
	@$(MAKE) -j6 -Otarget types-all $(UNIT) lint format-check
	@$(MAKE) servers
	@$(MAKE) journeys

bench: ## CPU, latency and memory side by side with nginx (BENCH_SECS, BENCH_ROUNDS, BENCH_ONLY)
	@requirements/setup.sh dev
	@$(MAKE) -C bench
	@$(BIN)/python -m bench

bench-journal: ## the journal under 2,000 exchanges and 100 long ones a second (JOURNAL_SECS, JOURNAL_URL, JOURNAL_AWAY)
	@requirements/setup.sh dev
	@$(BIN)/python -m bench.journal

bench-peers: ## the same beside other gateways, installed into .peers for it (BENCH_PEERS, PEER_URL; BENCH_DOCS=1: into the docs)
	@requirements/setup.sh dev
	@$(MAKE) -C bench
	@bench/peers/setup.sh
	@$(BIN)/python -m bench.peers

corpus: ## put recorded exchanges of providers through every dialect (CORPUS=folder)
	@requirements/setup.sh corpus
	@$(BIN)/python -m tests.corpus $(CORPUS)

torture: ## HTTP abuse on both sides of a running gateway, and 10,000 idle connections
	@requirements/setup.sh dev
	@$(PYTEST) -n 4 --dist loadfile tests/torture

fuzz: ## coverage-guided fuzzing of what reads bytes from outside (FUZZ_SECONDS for each target, FUZZ=targets)
	@requirements/setup.sh fuzz
	@$(BIN)/python -m fuzz $(FUZZ)

soak: ## random faults for SOAK_MINUTES (30): all must be back where it was (SOAK_RATE, SOAK_SEED)
	@requirements/setup.sh dev
	@$(BIN)/python tests/torture/soak.py

format: ## rewrite the sources in the house's format
	@requirements/setup.sh dev
	@$(BIN)/ruff check --fix --exit-zero --quiet $(PYTHON_PATHS)
	@$(BIN)/ruff format $(PYTHON_PATHS)

clean: ## remove everything that these targets made
	rm -rf .venv .clients .peers .tools bench/bin bench/results fuzz/results .ruff_cache .pytest_cache .hypothesis
	find $(PYTHON_PATHS) -name __pycache__ -type d -prune -exec rm -rf {} +

format-check:
	@$(BIN)/ruff format --check --quiet $(PYTHON_PATHS) || { echo 'make format would change the files named by: ruff format --check'; exit 1; }

lint:
	@$(BIN)/ruff check $(PYTHON_PATHS)

types:
	@$(PYRIGHT) src

types-all:
	@$(PYRIGHT)

# `make check` leaves out the few that are long, and tries a fifth of the examples of properties (tests/effort.py).
MARKS := not server
$(UNIT): unit-%:
	@$(PYTEST) -m '$(MARKS)' $(ROOMS_$*)

# PostgreSQL, processes that are killed, the quick part of the torture.
servers:
	@$(PYTEST) $(HANGS) -n auto --dist worksteal -m server tests --ignore tests/journeys --ignore tests/torture
	@$(PYTEST) $(HANGS) -n auto --dist loadfile tests/torture $(SLOW)

journeys:
	@PATH="$(CURDIR)/.clients/node_modules/.bin:$(CURDIR)/$(BIN):$$PATH" $(PYTEST) $(HANGS) -n 4 --dist loadfile tests/journeys
