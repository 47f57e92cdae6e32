SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

LOCAL := deploy/local
SCRIPTS = $(shell grep -lE '^\#!.*bash|^\# shellcheck shell=bash' $(LOCAL)/* .ci/run tests/conformance/run 2>/dev/null)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: packages
packages: ## install the system packages that building and the local services need
	@$(LOCAL)/packages

.PHONY: up
up: ## start PostgreSQL and Kafka (or check those of DATABASE_URL and KAFKA_BROKERS)
	@$(LOCAL)/up

.PHONY: down
down: ## stop what `make up` started; deploy/local/down --purge deletes the data too
	@$(LOCAL)/down

.PHONY: status
status: ## show what runs, and where
	@$(LOCAL)/status

.PHONY: build
build: ## build the executables
	@$(LOCAL)/packages build
	cargo build --workspace --bins --locked

.PHONY: demo
demo: ## watch shoppers order and a warehouse ship, on simulated platforms
	@$(LOCAL)/demo

.PHONY: smoke
smoke: ## the demo without a person: judged, with one JSON line at the end
	@$(LOCAL)/smoke

.PHONY: test
test: ## all tests, on real PostgreSQL and Kafka (ARGS="name" is passed to cargo test)
	@$(LOCAL)/test $(ARGS)

.PHONY: conformance
conformance: ## the simulators against real client libraries of the two platforms
	@$(LOCAL)/packages build conformance
	cargo build --workspace --bins --locked
	tests/conformance/run

.PHONY: bench
bench: ## speed, memory, fairness and calls, on services of its own (ARGS="--quick ingest" for a part)
	@$(LOCAL)/bench $(ARGS)

.PHONY: lint
lint: ## format, clippy, documentation, edges between crates, migrations, scripts
	@$(LOCAL)/packages build
	cargo fmt --all --check
	$(LOCAL)/check-edges
	$(LOCAL)/check-migrations
	$(LOCAL)/check-alerts
	@if command -v shellcheck >/dev/null; then set -x; shellcheck -x -S warning $(SCRIPTS); else echo "shellcheck is not installed: skipped"; fi
	@if command -v cargo-deny >/dev/null; then set -x; cargo deny --workspace --locked check \
		-A unused-wrapper -A license-not-encountered bans licenses sources; else echo "cargo-deny is not installed: skipped"; fi
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --locked

.PHONY: advisories
advisories: ## known vulnerabilities of dependencies (needs cargo-deny and the network)
	cargo deny --workspace --locked check advisories
