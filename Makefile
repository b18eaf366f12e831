# wavetag: `make run` hears something, `make test` proves it. Both install what they need.

# One build configuration for everything: other flags would build all of it again. Tests look inside modules
# (-enable-testing) and run optimised, since they compare hours of sound. Colours are a compiler flag too: with them a
# build in a terminal would undo one in a pipe.
SWIFT_FLAGS = -c release -Xswiftc -enable-testing --no-color-diagnostics
PACKAGES = libasound2-dev libasound2-plugins libopenblas-dev libsndfile1-dev libsoxr-dev libsystemd-dev libssl-dev \
           libhdf5-dev pkg-config python3 fluidsynth fluid-soundfont-gm pulseaudio
SUDO = $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.DEFAULT_GOAL = help
.PHONY: help install-deps build run test bench bench-peers bench-latency fixtures format lint test-container test-arm deb \
        test-machine test-package test-docs faults test-connections fuzz test-asan test-tsan soak clean

help:
	@echo 'make run             build, and hear a demo piece (DEVICE=hw:1: hear that)'
	@echo 'make test            build, and run all tests'
	@echo 'make build           only build: .build/release/wavetag'
	@echo 'make bench           time the engine'
	@echo 'make bench-peers     time it beside ONNX Runtime and OpenVINO (needs pip; see Benchmarks/peers.py)'
	@echo 'make bench-latency   from a sample to a client, with 64 clients and all cores busy'
	@echo 'make faults          faults of devices and clients, and how long each takes to be over'
	@echo 'make test-connections  a thousand connections a second for a minute, gigabytes of requests'
	@echo 'make fixtures        write the tests'"'"' fixtures anew (needs PyTorch; see Tests/Fixtures/make.py)'
	@echo 'make format, lint    format the sources; check format and layers'
	@echo 'make test-arm        the kernels on 64-bit Arm, emulated'
	@echo 'make test-docs       every command of README.md and docs/ (needs root)'
	@echo 'make test-container  the systemd units in a booted Debian (needs root)'
	@echo 'make test-machine    and in a virtual machine that has a sound card (needs root)'
	@echo 'make fuzz            hostile inputs for every reader of files and lines (CASES=1000000 each; CASES=60s: a minute each)'
	@echo 'make test-asan       all tests with address sanitizer; make test-tsan with thread sanitizer'
	@echo 'make soak            a day of sound through the daemon (HOURS=24; REALTIME=1: by the clock)'
	@echo 'make deb             a Debian package, in .build; make test-package tries it in a booted Debian (needs root)'

# Packages of Debian 12. Nothing is asked of apt where all are there.
install-deps:
	@missing=; for package in $(PACKAGES); do \
		dpkg-query -W -f='$${db:Status-Abbrev}' $$package 2>/dev/null | grep -q '^ii' || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
		echo "installing:$$missing"; \
		$(SUDO) apt-get update -qq && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi

build: install-deps
	swift build $(SWIFT_FLAGS) --product wavetag

run: build
	demo/run.sh $(DEVICE)

# Built apart from running, so that a compiler's complaint isn't mixed with a test's.
test: install-deps
	swift build $(SWIFT_FLAGS) --build-tests
	swift test $(SWIFT_FLAGS) --skip-build

# OPENBLAS_CORETYPE would hold OpenBLAS to an older processor's arithmetic.
bench: install-deps
	cd Benchmarks && env -u OPENBLAS_CORETYPE swift package benchmark --target Engine

bench-peers: build
	python3 Benchmarks/peers.py
	python3 Benchmarks/evaluation.py
	python3 Benchmarks/training.py

bench-latency: build
	swift build $(SWIFT_FLAGS) --product asound_module_pcm_scripted
	python3 Benchmarks/latency.py --load

faults: install-deps
	swift build $(SWIFT_FLAGS) --build-tests
	@rm -f .build/recovery.tsv
	RECOVERY_TIMES=$(CURDIR)/.build/recovery.tsv swift test $(SWIFT_FLAGS) --skip-build --filter 'DeviceFaultTests|ClientFaultTests|LiveKillTests|LiveRecoveryTests|LiveReloadTests'
	@sort .build/recovery.tsv

test-connections: install-deps
	swift build $(SWIFT_FLAGS) --build-tests
	CONNECTION_SECONDS=60 REQUEST_MEGABYTES=4096 swift test $(SWIFT_FLAGS) --skip-build --filter "ClientFaultTests/(connections|requests)"

fixtures:
	python3 Tests/Fixtures/make.py
	python3 Tests/Fixtures/make_split.py
	python3 Tests/Fixtures/make_calibration.py
	python3 Tests/Fixtures/make_classifiers.py
	python3 Tests/Fixtures/make_training.py
	python3 Tests/Fixtures/make_checkpoints.py
	python3 Tests/Fixtures/embedding.py

format:
	swift format -i -r Sources Tests Benchmarks/Benchmarks Package.swift Benchmarks/Package.swift

lint:
	swift format lint -r --strict Sources Tests Benchmarks/Benchmarks Package.swift Benchmarks/Package.swift
	scripts/check-layers.sh
	for script in demo/run.sh Tests/*/*.sh recipes/default/step.sh .ci/run; do bash -n $$script || exit 1; done
	python3 -m py_compile demo/compose.py Benchmarks/*.py Tests/*/*.py scripts/*.py recipes/default/*.py

test-container: build
	Tests/Container/run.sh

# A kernel of its own, with a sound card: of Debian, qemu-system-x86 and e2fsprogs.
test-machine: build
	@$(MAKE) --no-print-directory install-deps PACKAGES='debootstrap e2fsprogs qemu-system-x86'
	Tests/Machine/run.sh

# A program of other flags, built apart (.build/deb), then what lintian has to say.
deb:
	@$(MAKE) --no-print-directory install-deps PACKAGES='$(PACKAGES) debhelper fakeroot lintian'
	rm -f .build/wavetag_*.deb
	fakeroot debian/rules clean binary
	@# The tag that is left out asks for a bug of Debian's that a first upload would close: there is none, nor an upload.
	lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs .build/wavetag_*.deb
	@ls -l .build/wavetag_*.deb
	@dpkg-deb -f .build/wavetag_*.deb Depends Installed-Size
	@# KiB, of them 14 MB of model. With all of Foundation it would be 80 MB.
	@test "$$(dpkg-deb -f .build/wavetag_*.deb Installed-Size)" -le 45000

test-package: deb
	Tests/Package/run.sh

# libFuzzer, in a build of its own.
CASES = 1000000
fuzz: install-deps
	Tests/Fuzz/run.sh $(CASES)

# Sanitizers, each in a build of its own. What Tests/Sanitizers holds is explained there.
test-asan: install-deps
	Tests/Sanitizers/run.sh address '$(FILTER)'

test-tsan: install-deps
	Tests/Sanitizers/run.sh thread '$(FILTER)'

HOURS = 24
soak: build
	Tests/Soak/soak.py --hours $(HOURS) $(if $(REALTIME),--realtime)

# systemd for its opinion of units and for its journal; the others are what recipes use.
test-docs: build
	@$(MAKE) --no-print-directory install-deps PACKAGES='curl jq mosquitto mosquitto-clients prometheus \
		prometheus-node-exporter sndfile-programs socat systemd'
	Tests/Docs/run.py

test-arm:
	@$(MAKE) --no-print-directory install-deps PACKAGES='gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static'
	Tests/Arm/run.sh

clean:
	rm -rf .build .run Benchmarks/.build
