# Everything a developer or CI does here. `make help` lists it.
GO      ?= go
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo unknown)
BUILD   := .build
DIST    ?= dist
LINT    := $(BUILD)/lint
LDFLAGS := -s -w -X github.com/ddoe-ai/azure-wif/functions.Version=$(VERSION)
RUNS    ?= 1
TOOLS   := ./.ci/mutants ./.ci/pack

# assemble: what the Functions host needs, in folder $(1), for the platform in $(2).
# The host finds only <root>/<Function>/function.json, so the folders of functions/ are flattened.
define assemble
	@rm -rf $(1) && mkdir -p $(1)
	@CGO_ENABLED=0 $(2) $(GO) build $(BUILDFLAGS) -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(1)/handler ./handler
	@cp host.json $(1)/
	@for f in functions/*/function.json; do d=$(1)/$$(basename $$(dirname $$f)); mkdir -p $$d && cp $$f $$d/; done
endef

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## start the app on this machine: sandbox for Azure, Entra and DDOE, Functions host stand-in, handler
	$(call assemble,$(BUILD)/app,)
	@$(GO) build -o $(BUILD)/sandbox ./infra/sandbox
	@exec $(BUILD)/sandbox run -dist $(BUILD)/app

.PHONY: demo
demo: ## tell the whole story on free ports: provision, prove access, break it, diagnose it, tear down
	$(call assemble,$(BUILD)/app,)
	@$(GO) build -o $(BUILD)/sandbox ./infra/sandbox
	@exec $(BUILD)/sandbox demo -dist $(BUILD)/app

.PHONY: test
test: ## run all tests; with Node and the Functions Core Tools also those against Azurite, the JavaScript SDK and the real host
	@.ci/prerequisites
	$(GO) test -race -shuffle=on -count=$(RUNS) -timeout 20m ./... $(TOOLS)

.PHONY: check
check: lint infra test package ## what CI runs: format, vet, analyzers, Bicep, tests, package

.PHONY: lint
lint: ## format, vet, the analyzers of .ci/lint, and the linters of the API document
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted"; exit 1; }
	@$(GO) mod tidy -diff
	@$(GO) vet ./... $(TOOLS)
	@$(GO) build -C .ci/lint -o ../../$(LINT) .
	@$(GO) vet -vettool=$(CURDIR)/$(LINT) ./... $(TOOLS)
	@.ci/openapi

.PHONY: mutants
mutants: ## which faults of a package would no test notice? PKG=./functions/internal/x [N=40] [SEED=1] [TESTS="./y ./z"]
	@nice -n 10 $(GO) run ./.ci/mutants -n $(or $(N),40) -seed $(or $(SEED),1) -tests '$(TESTS)' $(PKG)

.PHONY: bench
bench: ## benchmarks: start to first answer, idle memory, hops of a run, a burst of provisionings, broker
	$(GO) test -run '^$$' -bench . -benchmem ./...

.PHONY: package
package: ## assemble dist/ and dist.zip for Azure: host.json, function.json folders, static linux/amd64 handler
	$(call assemble,$(DIST),GOOS=linux GOARCH=amd64)
	@$(GO) run ./.ci/pack $(DIST) $(DIST).zip

# The tests' own layout: like run's, with what BUILDFLAGS adds, such as the race detector.
.PHONY: assemble
assemble:
	$(call assemble,$(DIST),$(BUILDENV))

.PHONY: infra
infra: ## check infra/ with the Bicep compiler (bicep on PATH, or BICEP=): layout, lint, build, snapshot
	@.ci/infra

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf $(BUILD) $(DIST) $(DIST).zip
