// The convolution-and-pool kernel, written once over the compiler's vector extension and included once for
// each instruction set. The including file defines
//
//   KERNEL(name)      the name with the instruction set's suffix
//   VECTOR_FLOATS     floats in one register
//   LANE_VECTORS      registers that one block of output channels takes
//   TILE_ROWS         convolution rows computed together; TILE_ROWS · LANE_VECTORS accumulators must stay in
//                     registers beside LANE_VECTORS weights and one broadcast input
//   TARGET            the function attribute that allows the instructions, or nothing

#include <string.h>

#include "include/CKernels.h"

#define LANES (VECTOR_FLOATS * LANE_VECTORS)

typedef float KERNEL(vector) __attribute__((vector_size(VECTOR_FLOATS * 4), aligned(4)));

// `rows` convolution rows of one block of output channels, before bias, into raw [rows, LANES].
// `rows` is a constant wherever this is inlined, so that the accumulators are registers.
TARGET static inline __attribute__((always_inline)) void KERNEL(tile)(
    const size_t rows, const wavetag_convolution *layer, const float *weights, const void *const *inputs,
    const size_t *row_offset, float *raw)
{
    typedef KERNEL(vector) vector;
    vector sum[TILE_ROWS][LANE_VECTORS];
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < LANE_VECTORS; v++) sum[r][v] = (vector){0};
    }

    const size_t depth = layer->depth;
    for (size_t tap = 0; tap < layer->taps; tap++) {
        const float *input[TILE_ROWS];
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) input[r] = inputs[row_offset[r] + tap];
        for (size_t c = 0; c < depth; c++) {
            vector weight[LANE_VECTORS];
#pragma clang loop unroll(full)
            for (size_t v = 0; v < LANE_VECTORS; v++)
                weight[v] = *(const vector *)(weights + v * VECTOR_FLOATS);
#pragma clang loop unroll(full)
            for (size_t r = 0; r < rows; r++) {
                const vector x = (vector){0} + input[r][c];
#pragma clang loop unroll(full)
                for (size_t v = 0; v < LANE_VECTORS; v++) sum[r][v] += x * weight[v];
            }
            weights += LANES;
        }
    }

#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < LANE_VECTORS; v++) *(vector *)(raw + r * LANES + v * VECTOR_FLOATS) = sum[r][v];
    }
}

TARGET static void KERNEL(tile_of)(size_t rows, const wavetag_convolution *layer, const float *weights,
                                   const void *const *inputs, const size_t *row_offset, float *raw)
{
    switch (rows) {
    case 1: KERNEL(tile)(1, layer, weights, inputs, row_offset, raw); break;
    case 2: KERNEL(tile)(2, layer, weights, inputs, row_offset, raw); break;
    case 3: KERNEL(tile)(3, layer, weights, inputs, row_offset, raw); break;
    case 4: KERNEL(tile)(4, layer, weights, inputs, row_offset, raw); break;
    case 5: KERNEL(tile)(5, layer, weights, inputs, row_offset, raw); break;
    case 6: KERNEL(tile)(6, layer, weights, inputs, row_offset, raw); break;
#if TILE_ROWS > 6
    case 7: KERNEL(tile)(7, layer, weights, inputs, row_offset, raw); break;
    case 8: KERNEL(tile)(8, layer, weights, inputs, row_offset, raw); break;
    case 9: KERNEL(tile)(9, layer, weights, inputs, row_offset, raw); break;
    case 10: KERNEL(tile)(10, layer, weights, inputs, row_offset, raw); break;
    case 11: KERNEL(tile)(11, layer, weights, inputs, row_offset, raw); break;
    case 12: KERNEL(tile)(12, layer, weights, inputs, row_offset, raw); break;
#endif
    }
}

// Max over `rows` raw rows, kept in `best` [LANES]; `first` says that `best` holds nothing yet.
TARGET static inline __attribute__((always_inline)) void KERNEL(pool)(const float *raw, size_t rows, int first,
                                                                      float *best)
{
    typedef KERNEL(vector) vector;
    for (size_t v = 0; v < LANE_VECTORS; v++) {
        const float *column = raw + v * VECTOR_FLOATS;
        vector most = first ? *(const vector *)column : *(vector *)(best + v * VECTOR_FLOATS);
        for (size_t r = first ? 1 : 0; r < rows; r++) {
            const vector next = *(const vector *)(column + r * LANES);
            most = __builtin_elementwise_max(next, most);
        }
        *(vector *)(best + v * VECTOR_FLOATS) = most;
    }
}

TARGET static inline __attribute__((always_inline)) void KERNEL(store)(
    const wavetag_convolution *layer, size_t block, float *best, float *output)
{
    typedef KERNEL(vector) vector;
    const float *bias = layer->bias + block * LANES;
    const vector zero = {0};
    for (size_t v = 0; v < LANE_VECTORS; v++) {
        vector value = *(vector *)(best + v * VECTOR_FLOATS) + *(const vector *)(bias + v * VECTOR_FLOATS);
        if (layer->relu) value = __builtin_elementwise_max(value, zero);
        *(vector *)(best + v * VECTOR_FLOATS) = value;
    }
    const size_t begin = block * LANES;
    const size_t count = layer->width - begin < LANES ? layer->width - begin : LANES;
    memcpy(output + begin, best, count * sizeof(float));
}

TARGET static void KERNEL(convolve)(const wavetag_convolution *layer, size_t columns, const void *const *inputs,
                                    void *const *outputs)
{
    const size_t pool = layer->pool;
    const size_t spread = pool + layer->taps - 1;
    const size_t blocks = (layer->width + LANES - 1) / LANES;
    const size_t block_floats = layer->taps * layer->depth * LANES;
    // A tile holds whole output columns where one fits, so that pooling needs no memory of earlier tiles.
    const size_t tile_columns = pool <= TILE_ROWS ? TILE_ROWS / pool : 1;
    float raw[TILE_ROWS * LANES] __attribute__((aligned(64)));
    float best[LANES] __attribute__((aligned(64)));
    size_t row_offset[TILE_ROWS];

    // A block's weights stay in the nearest cache while all columns pass; each weight is fetched once a call.
    for (size_t block = 0; block < blocks; block++) {
        const float *weights = layer->weights + block * block_floats;
        for (size_t column = 0; column < columns; column += tile_columns) {
            const size_t count = columns - column < tile_columns ? columns - column : tile_columns;
            const void *const *tile_inputs = inputs + column * spread;
            if (pool <= TILE_ROWS) {
                size_t rows = 0;
                for (size_t i = 0; i < count; i++)
                    for (size_t r = 0; r < pool; r++) row_offset[rows++] = i * spread + r;
                KERNEL(tile_of)(rows, layer, weights, tile_inputs, row_offset, raw);
                for (size_t i = 0; i < count; i++) {
                    KERNEL(pool)(raw + i * pool * LANES, pool, 1, best);
                    KERNEL(store)(layer, block, best, outputs[column + i]);
                }
            } else {
                for (size_t begin = 0; begin < pool; begin += TILE_ROWS) {
                    const size_t rows = pool - begin < TILE_ROWS ? pool - begin : TILE_ROWS;
                    for (size_t r = 0; r < rows; r++) row_offset[r] = begin + r;
                    KERNEL(tile_of)(rows, layer, weights, tile_inputs, row_offset, raw);
                    KERNEL(pool)(raw, rows, begin == 0, best);
                }
                KERNEL(store)(layer, block, best, outputs[column]);
            }
        }
    }
}
