# Targets of kumiko; `make help` lists them. On Debian and Ubuntu nothing but Go and make has to be there before.

SHELL   := /bin/bash
GO      ?= go
RELEASE := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
BUILD   := $(GO) build -ldflags "-X main.release=$(RELEASE)"
# One way to compile for the program, its tests and the checks, so that nothing is compiled twice.
export GOFLAGS     := -trimpath -buildvcs=false
export CGO_ENABLED := 0
# What scripts/setup had to fetch itself lies in bin/.
export PATH := $(CURDIR)/bin:$(PATH)
# Networks need root: as another user, only the commands that make some go through sudo.
ROOT    := $(if $(filter 0,$(shell id -u)),,sudo -E env "PATH=$(PATH)" "CI=$(CI)" "GOFLAGS=$(GOFLAGS)" "CGO_ENABLED=0")

.DEFAULT_GOAL := help
.PHONY: help setup build install demo test lint bench generate clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## install the few system packages that are missing
	@scripts/setup

build: ## build bin/kumiko
	@mkdir -p bin
	$(BUILD) -o bin/kumiko ./cmd/kumiko

install: build ## copy it to /usr/local/bin
	$(ROOT) install -m 0755 bin/kumiko /usr/local/bin/kumiko

demo: setup build ## play SSH through VPC Lattice with real clients, show every command, leave nothing behind
	@$(ROOT) bin/kumiko demo

test: setup build ## run the whole test suite, real packets included (as root)
	$(ROOT) $(GO) test -timeout 15m ./cmd/... ./internal/... ./tools/...
	$(ROOT) $(GO) test -timeout 25m -p 1 -parallel 3 ./test/...

lint: ## gofmt, go vet and the rules of the house
	@test -z "$$(gofmt -l cmd internal tools test bench | tee /dev/stderr)"
	$(GO) vet ./...
	$(GO) test ./internal/archtest

bench: setup build ## measure, as ratios against the bare kernel and named peers
	$(GO) build -o bin/bench ./bench
	$(ROOT) bin/bench -kumiko bin/kumiko

generate: ## generate API types, coverage and the command reference again
	$(GO) run ./tools/apigen generate
	$(GO) test ./internal/cli -run Reference -update

clean: ## remove what was built
	rm -rf bin
