// x86-64 with AVX-512: 32 registers of 16 floats, 24 of them accumulators.
#if defined(__x86_64__)
#define KERNEL(name) wavetag_avx512_##name
#define VECTOR_FLOATS 16
#define LANE_VECTORS 2
#define TILE_ROWS 12
#define TARGET __attribute__((target("avx512f,avx512vl,avx512dq,fma")))
#include "convolve.h"
#include "gradient.h"

const wavetag_kernel wavetag_avx512 = {"avx512", LANES, wavetag_avx512_convolve, TILE_ROWS, GRADIENT_KERNELS};
#endif
