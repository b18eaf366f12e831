#!/usr/bin/env bash
# The kernels on 64-bit Arm, with and without the dot-product extension, under qemu's user-mode emulation: each held
# against plain arithmetic, and all against the bits that this machine's own give.
#
#     apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static
#
# clang is Swift's own, as for the program.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=.run/arm
mkdir -p "$work"
clang=$(command -v clang || dirname "$(readlink -f "$(command -v swift)")" | sed 's|$|/clang|')
flags=(-std=gnu11 -O3 -fno-math-errno -ISources/CKernels/include)

"$clang" "${flags[@]}" Tests/Arm/kernels.c Sources/CKernels/*.c -lm -o "$work/native"
objects=()
for source in Tests/Arm/kernels.c Sources/CKernels/*.c; do
	object="$work/$(basename "$source" .c).o"
	"$clang" --target=aarch64-linux-gnu --sysroot=/usr/aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include \
		"${flags[@]}" -c "$source" -o "$object"
	objects+=("$object")
done
aarch64-linux-gnu-gcc -static "${objects[@]}" -lm -o "$work/arm"

expected=$("$work/native")
echo "this machine: $expected"
status=0
# A Raspberry Pi 4's core has no dot product, a Pi 5's has.
for cpu in cortex-a72 cortex-a76; do
	found=$(qemu-aarch64-static -cpu "$cpu" "$work/arm")
	echo "$cpu: $found"
	[ "${found%% *}" = "${expected%% *}" ] || { echo "$cpu: other bits than this machine's" >&2; status=1; }
	[ "$cpu" = cortex-a72 ] || [[ $found == *neon-dotprod* ]] || { echo "$cpu: no dot product" >&2; status=1; }
done
exit $status
