// Any processor the compiler knows: the reference that the other instruction sets are tested against, bit for bit.
#include <stdint.h>
#define KERNEL(name) wavetag_int8_portable_##name
#define VECTOR_LANES 4
#define LANE_VECTORS 2
#define TILE_ROWS 4
#define STEP_CHANNELS 4
#define INPUT_OFFSET 0
#define TARGET
typedef struct {
    int32_t lane[VECTOR_LANES];
} KERNEL(sums);
typedef struct {
    uint8_t channel[STEP_CHANNELS];
} KERNEL(input);
#define PRIMITIVE static inline __attribute__((always_inline))
PRIMITIVE KERNEL(sums) KERNEL(zero)(void)
{
    const KERNEL(sums) sums = {{0}};
    return sums;
}
PRIMITIVE KERNEL(input) KERNEL(load)(const uint8_t *bytes)
{
    KERNEL(input) input;
    for (int c = 0; c < STEP_CHANNELS; c++) input.channel[c] = bytes[c];
    return input;
}
PRIMITIVE KERNEL(sums) KERNEL(dot)(KERNEL(sums) sums, KERNEL(input) input, const int8_t *weights)
{
    for (int lane = 0; lane < VECTOR_LANES; lane++)
        for (int c = 0; c < STEP_CHANNELS; c++)
            sums.lane[lane] += input.channel[c] * weights[lane * STEP_CHANNELS + c];
    return sums;
}
PRIMITIVE void KERNEL(collect)(KERNEL(sums) sums, int32_t *target)
{
    for (int lane = 0; lane < VECTOR_LANES; lane++) target[lane] = sums.lane[lane];
}
#include "convolve_int8.h"

const wavetag_int8_kernel wavetag_int8_portable = KERNEL_TABLE("portable");
