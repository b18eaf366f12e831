// 64-bit Arm with the dot-product extension (Cortex-A76, Raspberry Pi 5): `sdot` wants signed bytes on both sides,
// so 128 is taken off every input, and the bias holds 128 times the weights' sum in return.
#if defined(__aarch64__)
#include <arm_neon.h>
#define KERNEL(name) wavetag_int8_neon_dotprod_##name
#define VECTOR_LANES 4
#define LANE_VECTORS 4
#define TILE_ROWS 6
#define STEP_CHANNELS 4
#define INPUT_OFFSET 128
#define TARGET __attribute__((target("dotprod")))
typedef int32x4_t KERNEL(sums);
typedef int8x16_t KERNEL(input);
#define PRIMITIVE TARGET static inline __attribute__((always_inline))
PRIMITIVE int32x4_t KERNEL(zero)(void) { return vdupq_n_s32(0); }
PRIMITIVE int8x16_t KERNEL(load)(const uint8_t *bytes)
{
    const uint8x16_t all = vreinterpretq_u8_u32(vld1q_dup_u32((const uint32_t *)bytes));
    return vreinterpretq_s8_u8(veorq_u8(all, vdupq_n_u8(0x80)));
}
PRIMITIVE int32x4_t KERNEL(dot)(int32x4_t sums, int8x16_t input, const int8_t *weights)
{
    return vdotq_s32(sums, vld1q_s8(weights), input);
}
PRIMITIVE void KERNEL(collect)(int32x4_t sums, int32_t *target) { vst1q_s32(target, sums); }
#include "convolve_int8.h"

const wavetag_int8_kernel wavetag_int8_neon_dotprod = KERNEL_TABLE("neon-dotprod");
#endif
