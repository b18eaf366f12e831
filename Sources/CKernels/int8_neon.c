// 64-bit Arm without the dot-product extension (Cortex-A72, Raspberry Pi 4). Two products of signed bytes are added
// in 16 bits, 2 · 128 · 127 = 32512 < 32768, and then pairwise into 32; a vector's four lanes need two registers of
// such pairs, added together at the end. 128 is taken off every input, as for the dot product.
#if defined(__aarch64__)
#include <arm_neon.h>
#define KERNEL(name) wavetag_int8_neon_##name
#define VECTOR_LANES 4
#define LANE_VECTORS 2
#define TILE_ROWS 6
#define STEP_CHANNELS 8
#define INPUT_OFFSET 128
#define TARGET
typedef int32x4x2_t KERNEL(sums);
typedef int8x8x2_t KERNEL(input);
#define PRIMITIVE static inline __attribute__((always_inline))
PRIMITIVE int32x4x2_t KERNEL(zero)(void)
{
    const int32x4x2_t sums = {{vdupq_n_s32(0), vdupq_n_s32(0)}};
    return sums;
}
PRIMITIVE int8x8x2_t KERNEL(load)(const uint8_t *bytes)
{
    const uint8x8_t offset = vdup_n_u8(0x80);
    const uint8x8_t first = vreinterpret_u8_u32(vld1_dup_u32((const uint32_t *)bytes));
    const uint8x8_t second = vreinterpret_u8_u32(vld1_dup_u32((const uint32_t *)(bytes + 4)));
    const int8x8x2_t input = {
        {vreinterpret_s8_u8(veor_u8(first, offset)), vreinterpret_s8_u8(veor_u8(second, offset))}};
    return input;
}
PRIMITIVE int32x4x2_t KERNEL(dot)(int32x4x2_t sums, int8x8x2_t input, const int8_t *weights)
{
    const int8x16_t first = vld1q_s8(weights);
    const int8x16_t second = vld1q_s8(weights + 16);
    const int16x8_t low =
        vmlal_s8(vmull_s8(vget_low_s8(first), input.val[0]), vget_low_s8(second), input.val[1]);
    const int16x8_t high =
        vmlal_s8(vmull_s8(vget_high_s8(first), input.val[0]), vget_high_s8(second), input.val[1]);
    sums.val[0] = vpadalq_s16(sums.val[0], low);
    sums.val[1] = vpadalq_s16(sums.val[1], high);
    return sums;
}
PRIMITIVE void KERNEL(collect)(int32x4x2_t sums, int32_t *target)
{
    vst1q_s32(target, vpaddq_s32(sums.val[0], sums.val[1]));
}
#include "convolve_int8.h"

const wavetag_int8_kernel wavetag_int8_neon = KERNEL_TABLE("neon");
#endif
