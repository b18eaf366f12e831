#!/usr/bin/env bash
# All tests with a sanitizer, in a build of its own: Tests/Sanitizers/run.sh address|thread [FILTER]; `make test-asan`,
# `make test-tsan`.
#
# The first report ends the test program; so does one in the program that tests start, since its exit code is another.
# Tests that count allocations or system calls are skipped: a sanitizer makes its own. Leaks are looked for by `make fuzz`,
# not here: Swift's test runner leaves some. What suppressions.txt passes over, it explains; mutex.c tells thread sanitizer of
# locks that it can't see.
set -euo pipefail
cd "$(dirname "$0")/../.."
sanitizer=$1
flags=(-c release -Xswiftc -enable-testing --no-color-diagnostics "--sanitize=$sanitizer" --scratch-path ".build/${sanitizer:0:1}san")
swift build "${flags[@]}" --build-tests
suppressions=$PWD/Tests/Sanitizers/suppressions.txt
export ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0
export TSAN_OPTIONS=halt_on_error=1:suppressions=$suppressions
# Swift's own report of a crash takes minutes with a sanitizer's symbols.
export SWIFT_BACKTRACE=enable=no
preload=
if [ "$sanitizer" = thread ]; then
    preload=$PWD/.build/tsan/mutex.so
    clang -O1 -fPIC -shared -o "$preload" Tests/Sanitizers/mutex.c
fi
# One after the other: all at once, and this slow, tests would wait for each other beyond their deadlines. Thread sanitizer
# wants its memory where some kernels put libraries.
LD_PRELOAD=$preload setarch -R swift test "${flags[@]}" --skip-build --no-parallel ${2:+--filter "$2"}
