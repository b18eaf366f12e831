// x86-64 with AVX2 and FMA: 16 registers of 8 floats, 12 of them accumulators.
#if defined(__x86_64__)
#define KERNEL(name) wavetag_avx2_##name
#define VECTOR_FLOATS 8
#define LANE_VECTORS 2
#define TILE_ROWS 6
#define TARGET __attribute__((target("avx2,fma")))
#include "convolve.h"
#include "gradient.h"

const wavetag_kernel wavetag_avx2 = {"avx2", LANES, wavetag_avx2_convolve, TILE_ROWS, GRADIENT_KERNELS};
#endif
