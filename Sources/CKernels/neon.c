// 64-bit Arm: 32 registers of 4 floats, 24 of them accumulators.
#if defined(__aarch64__)
#define KERNEL(name) wavetag_neon_##name
#define VECTOR_FLOATS 4
#define LANE_VECTORS 4
#define TILE_ROWS 6
#define TARGET
#include "convolve.h"
#include "gradient.h"

const wavetag_kernel wavetag_neon = {"neon", LANES, wavetag_neon_convolve, TILE_ROWS, GRADIENT_KERNELS};
#endif
