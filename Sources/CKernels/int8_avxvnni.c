// x86-64 with AVX-VNNI, which newer processors without AVX-512 have.
#if defined(__x86_64__)
#include "int8_x86.h"
#define KERNEL(name) wavetag_int8_avxvnni_##name
#define VECTOR_LANES 8
#define LANE_VECTORS 2
#define TILE_ROWS 6
#define STEP_CHANNELS 4
#define INPUT_OFFSET 0
#define TARGET __attribute__((target("avx2,fma,avxvnni")))
typedef __m256i KERNEL(sums);
typedef __m256i KERNEL(input);
#define PRIMITIVE TARGET static inline __attribute__((always_inline))
PRIMITIVE __m256i KERNEL(zero)(void) { return _mm256_setzero_si256(); }
PRIMITIVE __m256i KERNEL(load)(const uint8_t *bytes) { return _mm256_set1_epi32(wavetag_four_bytes(bytes)); }
PRIMITIVE __m256i KERNEL(dot)(__m256i sums, __m256i input, const int8_t *weights)
{
    return _mm256_dpbusd_avx_epi32(sums, input, _mm256_loadu_si256((const __m256i *)weights));
}
PRIMITIVE void KERNEL(collect)(__m256i sums, int32_t *target) { _mm256_storeu_si256((__m256i *)target, sums); }
#include "convolve_int8.h"

const wavetag_int8_kernel wavetag_int8_avxvnni = KERNEL_TABLE("avx-vnni");
#endif
