#!/usr/bin/env bash
# Fuzzes every reader of what comes from outside: `make fuzz`, or Tests/Fuzz/run.sh CASES [TARGET…]; CASES is a number of
# inputs for each, or a time for each: 60s. As many targets at once as there are processors.
#
# libFuzzer with address and leak sanitizer, in a build of its own (.build/fuzz). Begins with Tests/Fuzz/Corpus and what
# former runs have found (.run/fuzz/TARGET). A crash, a leak, a case of more than ten seconds or of more than a gigabyte
# ends a target's run with an error, and leaves the input in .run/fuzz: mended, it goes into the corpus as fault-NAME.
# Checkpoints in HDF5 are read in other processes, blindly damaged: libhdf5 crashes. What has it in its report is its fault.
set -euo pipefail
cd "$(dirname "$0")/../.."
cases=${1:-1000000}
shift || true
export WAVETAG_FUZZ=1
libraries=$(dirname "$(find "$(dirname "$(readlink -f "$(command -v swiftc)")")/../lib/clang" -name 'libclang_rt.fuzzer_no_main-*.a' | head -n 1)")
mkdir -p .build .run/fuzz
# The frontend's own flag: the driver's would link libFuzzer's `main`, too.
swift build -c release --no-color-diagnostics --product Fuzz --scratch-path .build/fuzz --sanitize address \
    -Xswiftc -Xfrontend -Xswiftc -sanitize=address,fuzzer \
    -Xlinker "$libraries/libclang_rt.fuzzer_no_main-$(uname -m).a" -Xlinker -lstdc++ >.build/fuzz.log 2>&1 ||
    { cat .build/fuzz.log && exit 1; }
fuzz=$PWD/.build/fuzz/release/Fuzz
# Swift's own report of a crash takes seconds; libFuzzer's has the input.
export SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS=detect_odr_violation=0
export LSAN_OPTIONS=print_suppressions=0
export OPENBLAS_NUM_THREADS=1
fixtures() {
    case $1 in
        model) echo Tests/Fixtures/nets ;;
        torch) echo Tests/Fixtures/checkpoints ;;
    esac
}
# Checkpoints in HDF5, in as many processes as there are processors, each with a seed and a folder of its own.
contained() {
    local part parts share=$cases status=0 jobs=()
    parts=$(nproc)
    if [ "${cases%s}" = "$cases" ]; then share=$(((cases + parts - 1) / parts)); fi
    # Without names of functions, which would take seconds a report; a check of Swift's leaves its signal.
    local report=symbolize=0:handle_abort=1:handle_sigill=0 leaks=suppressions=$PWD/Tests/Fuzz/libhdf5.txt
    rm -f .run/fuzz/keras-*.log
    for part in $(seq "$parts"); do
        mkdir -p ".run/fuzz/keras/$part"
        (cd ".run/fuzz/keras/$part" && ASAN_OPTIONS=$ASAN_OPTIONS:$report LSAN_OPTIONS=$LSAN_OPTIONS:$leaks \
            exec "$fuzz" keras "$share" "$part") >".run/fuzz/keras-$part.log" 2>&1 &
        jobs+=($!)
    done
    for part in $(seq "$parts"); do
        wait "${jobs[part - 1]}" || { status=$? && tail -n 20 ".run/fuzz/keras-$part.log"; }
    done
    return "$status"
}
# run TARGET: fails where the target does.
run() {
    local started=$SECONDS log=.run/fuzz/$1.log status=0
    mkdir -p ".run/fuzz/$1"
    if [ "$1" = keras ]; then
        contained || status=$?
        echo "$1: $(awk '/cases, of which/ { gsub(",", ""); for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+$/) sum[++n % 3] += $i; n %= 3 }
            END { print sum[1], "cases,", sum[2], "that libhdf5 did not survive,", sum[0], "without an end" }' \
            .run/fuzz/keras-*.log), $((SECONDS - started)) s"
        return "$status"
    fi
    # Checkpoints are larger: their numbers stand in them. What is longer than the corpus's other inputs is read slowly.
    local longest=8192 bound=-runs=$cases
    if [ "$1" = torch ]; then longest=32768; fi
    if [ "${cases%s}" != "$cases" ]; then bound=-max_total_time=${cases%s}; fi
    # shellcheck disable=SC2046
    "$fuzz" "$1" "$bound" -max_len="$longest" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -dict=Tests/Fuzz/tokens.dict \
        -artifact_prefix=.run/fuzz/ ".run/fuzz/$1" "Tests/Fuzz/Corpus/$1" $(fixtures "$1") >"$log" 2>&1 || status=$?
    if [ "$status" != 0 ]; then tail -n 40 "$log"; fi
    local ran
    ran=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "$1: ${ran:-fewer than wanted} cases, $((SECONDS - started)) s, $(find ".run/fuzz/$1" -type f | wc -l) inputs found"
    return "$status"
}
if [ $# = 0 ]; then set -- model configuration client manifest mtat gtzan msd tagtraum torch architecture tags keras; fi
failed=.run/fuzz/failed
rm -f "$failed"
for target in "$@"; do
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
    { run "$target" || touch "$failed"; } &
done
wait
[ ! -e "$failed" ]
