# SPDX-License-Identifier: GPL-2.0-or-later
# The front desk.  `make help` says what there is; the work is done by CMakePresets.json and scripts/.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= 2
FUZZ_SECONDS ?= 300
BASELINE ?= build/test-baseline.json
RESULTS ?= build/test-results.json
export JOBS

# Configures where that has not been done or something changed, builds; says nothing when nothing is to do.
build = mkdir -p build && { cmake --preset $(1) >build/$(1).configure.log 2>&1 || { cat build/$(1).configure.log >&2; exit 1; }; } && \
        cmake --build --preset $(1) $(if $(2),--target $(2)) -- --quiet -j $(JOBS) | { grep -v '^ninja: no work to do' || true; }

.PHONY: help all setup dev release try test test-quick test-large test-json test-baseline test-compare tsan bench bench-smoke format \
        format-check tidy fuzz man completions install uninstall clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what building and testing need (as root or with sudo; quick when nothing is missing)
	@scripts/setup

try: ## see it work: build, copy a tree, verify, compare with cp and rsync   [SRC=... DST=... ROUNDS=3]
	@SRC='$(subst ','\'',$(SRC))' DST='$(subst ','\'',$(DST))' scripts/try

test: setup ## build and run every test this machine can run (ASan, UBSan; threads under TSan)
	@scripts/test all

all: dev ## the same as dev
dev: setup ## build with ASan, UBSan and fault injection: build/dev/bin/fxcp
	@$(call build,dev)

release: setup ## build what is installed and measured: build/release/bin/fxcp
	@$(call build,release)

test-quick: setup ## the tests that need no root and no loop devices, in seconds
	@scripts/test quick

test-large: setup ## the tests that take long: a million files, every fault at every call
	@scripts/test large

tsan: setup ## the tests of walk, copy, verify, governor and archive under ThreadSanitizer
	@scripts/test tsan

test-json: setup ## as test, with the results in RESULTS (build/test-results.json)
	@rm -f build/test-results.xml $(RESULTS); answer=0; FOXING_JUNIT=$(CURDIR)/build/test-results.xml scripts/test all || answer=$$?; \
	 scripts/test_results json build/test-results.xml $(RESULTS) && exit $$answer

test-baseline: setup ## as test-json, and keep the results, failures too, as what test-compare compares with
	@$(MAKE) --no-print-directory test-json || true
	cp $(RESULTS) $(BASELINE)

test-compare: setup ## as test-json, then: which tests changed state or time since BASELINE
	@test -e $(BASELINE) || { echo "$(BASELINE) is not there; 'make test-baseline' saves one" >&2; exit 2; }
	@$(MAKE) --no-print-directory test-json || true
	@scripts/test_results compare $(BASELINE) $(RESULTS)

fuzz: setup ## libFuzzer on what reads archives, for FUZZ_SECONDS (300); needs clang
	@$(call build,fuzz,archive_fuzz)
	@mkdir -p build/fuzz/corpus && build/fuzz/bin/archive_fuzz -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -rss_limit_mb=1024 -artifact_prefix=build/fuzz/ \
	  build/fuzz/corpus tests/fuzz/archive

bench: release ## measure beside cp, rsync and the bare system calls   [ARGS="--only small --pairs xfs-btrfs"; bench/run.py --help]
	@bench/run.py $(ARGS)

bench-smoke: release ## the benchmark on tiny trees: does it all work?
	@bench/run.py --smoke

format: ## clang-format over src/, tests/ and bench/
	@scripts/setup format
	@git ls-files -z --cached --others --exclude-standard '*.cc' '*.h' | xargs -0 clang-format-19 -i

format-check: ## fails where `make format` would change something
	@scripts/setup format
	@git ls-files -z --cached --others --exclude-standard '*.cc' '*.h' | xargs -0 clang-format-19 --dry-run -Werror

tidy: setup ## clang's warnings and clang-tidy over src/
	@scripts/setup format
	@scripts/tidy

man: setup ## the man page: build/release/share/man/man1/fxcp.1
	@$(call build,release,man)
	@echo build/release/share/man/man1/fxcp.1

completions: setup ## completions for bash, zsh and fish, below build/release/share/
	@$(call build,release,completions)
	@ls build/release/share/bash-completion/completions/fxcp build/release/share/zsh/site-functions/_fxcp \
	    build/release/share/fish/vendor_completions.d/fxcp.fish

# Without setup: the machine that installs is often not the one that builds; what is missing shows when the build is configured.
install: ## the release build, its man page, completions and documents   [DESTDIR= PREFIX=/usr/local]
	@$(call build,release)
	@DESTDIR='$(DESTDIR)' cmake --install build/release --prefix '$(PREFIX)' --strip | sed -n 's/^-- Installing: //p'

uninstall: ## what the last install wrote
	@test -e build/release/install_manifest.txt || { echo "nothing was installed from here" >&2; exit 1; }
	@sed 's|^|$(DESTDIR)|' build/release/install_manifest.txt | xargs -d '\n' rm -fv

clean: ## remove build/ (the baseline of test-compare too)
	rm -rf build
