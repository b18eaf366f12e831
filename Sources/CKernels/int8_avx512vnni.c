// x86-64 with AVX-512 VNNI: 4 multiply-adds a lane and instruction, without saturation; 24 of 32 registers are sums.
#if defined(__x86_64__)
#include "int8_x86.h"
#define KERNEL(name) wavetag_int8_avx512vnni_##name
#define VECTOR_LANES 16
#define LANE_VECTORS 2
#define TILE_ROWS 12
#define STEP_CHANNELS 4
#define INPUT_OFFSET 0
#define TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx512vnni,fma")))
typedef __m512i KERNEL(sums);
typedef __m512i KERNEL(input);
#define PRIMITIVE TARGET static inline __attribute__((always_inline))
PRIMITIVE __m512i KERNEL(zero)(void) { return _mm512_setzero_si512(); }
PRIMITIVE __m512i KERNEL(load)(const uint8_t *bytes) { return _mm512_set1_epi32(wavetag_four_bytes(bytes)); }
PRIMITIVE __m512i KERNEL(dot)(__m512i sums, __m512i input, const int8_t *weights)
{
    return _mm512_dpbusd_epi32(sums, input, _mm512_loadu_si512(weights));
}
PRIMITIVE void KERNEL(collect)(__m512i sums, int32_t *target) { _mm512_storeu_si512(target, sums); }
#include "convolve_int8.h"

const wavetag_int8_kernel wavetag_int8_avx512vnni = KERNEL_TABLE("avx512-vnni");
#endif
