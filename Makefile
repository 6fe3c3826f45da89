# Everything a developer runs, and what CI runs; `make` alone lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

MODULE := github.com/enedis2mqtt/enedis2mqtt
TOOL := go tool -modfile=tools/go.mod
FUZZTIME ?= 30s
# Go 1.26 calls it a failure when the time is over while it shrinks an interesting input; a finding says more than that.
FUZZLOG := /tmp/enedis2mqtt-fuzz.log
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: check
check: fmt lint test ## Format, lint and test: what CI asks for

.PHONY: fmt
fmt: ## Format the code
	$(TOOL) golangci-lint fmt

.PHONY: lint
lint: ## Lint, with the map of the packages; unformatted code counts as a finding
	$(TOOL) golangci-lint run

.PHONY: test
test: ## Test with the race detector, in random order
	go test -race -shuffle=on -timeout 30m ./...

.PHONY: golden
golden: ## Rewrite the golden files; read their diff like code
	grep -rlE --include='*_test.go' 'flag\.Bool\("update"' . | xargs -n 1 dirname | sort -u | xargs -I{} go test {} -update

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME (30s)
	@go test -list '^Fuzz' ./... | \
		awk '/^Fuzz/ {names[++n] = $$1} /^ok/ {for (i = 1; i <= n; i++) print $$2, names[i]; n = 0}' | \
		while read -r package name; do \
			echo "== $$name in $${package#$(MODULE)/}"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s "$$package" </dev/null 2>&1 | \
				tee $(FUZZLOG) || [[ $$(grep -A 1 -- '--- FAIL' $(FUZZLOG) | tail -n 1) =~ ^\ *context\ deadline\ exceeded$$ ]]; \
		done

.PHONY: bench
bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: cover
cover: ## Measure the coverage and show it by function; cover.out holds it
	go test -coverpkg=./... -coverprofile=cover.out ./...
	go tool cover -func=cover.out

.PHONY: vuln
vuln: ## Look for known vulnerabilities; needs the internet
	$(TOOL) govulncheck ./...

.PHONY: build
build: ## Build the static binary ./enedis2mqtt, with version and commit from git
	CGO_ENABLED=0 go build -trimpath -buildvcs=auto -tags nethttpomithttp2 -ldflags '-s -w -X main.version=$(VERSION)' -o enedis2mqtt .

.PHONY: run
run: ## Run the demo: a simulated Enedis, a broker, the bridge and its page
	go run . demo

.PHONY: docker
docker: ## Check the image and the compose file without a Docker engine
	packaging/check.sh

.PHONY: e2e
e2e: ## Test with a real Mosquitto and two real Home Assistants, installing what is missing
	e2e/setup.sh
	go test -tags e2e -count=1 -timeout 30m -v ./e2e/...
