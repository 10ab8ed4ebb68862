# SPDX-License-Identifier: Apache-2.0
# The front door.  CMake does the work; `cmake --list-presets` shows the rest of the house.

PREFIX ?= /usr/local
# Seconds for each fuzz target; minutes for the soak.
SECONDS_EACH ?= 60
MINUTES ?= 30

.PHONY: help deps build tools test demo bench fuzz soak format install clean

help:
	@echo 'Baton: failover for MariaDB and MySQL'
	@echo
	@echo '  make deps      install what Debian 12 lacks; the others call it (starts no service)'
	@echo '  make build     build/release/bin/baton and baton-node'
	@echo '  make test      everything, sanitizers included; under 15 minutes'
	@echo '  make demo      kill the primary of a real cluster and watch (root)'
	@echo '  make bench     speed against the server'"'"'s own tools'
	@echo '  make fuzz      libFuzzer on every target, SECONDS_EACH=60'
	@echo '  make soak      cluster tests and random faults again and again, MINUTES=30 (root)'
	@echo '  make format    bring every C file into the house format'
	@echo '  make install   to PREFIX=/usr/local, or below DESTDIR'
	@echo '  make clean     remove build/'
	@echo
	@echo 'One part at a time: CONTRIBUTING.md'

deps:
	@scripts/deps

build: deps
	@cmake --preset release
	@cmake --build --preset release --target baton baton-node baton-parser

# What tests, demo and benches need besides.
tools: build
	@cmake --build --preset release

test: deps
	@scripts/test

demo: build
	@cmake --build --preset release --target ledger
	@scripts/demo

bench: tools
	@scripts/bench

fuzz: deps
	@scripts/fuzz $(SECONDS_EACH)

soak: tools
	@scripts/soak $(MINUTES)

format: deps
	@scripts/format
	@git diff --stat -- '*.c' '*.h'

install: build
	@cmake --install build/release --prefix $(PREFIX)

clean:
	@rm -rf build
