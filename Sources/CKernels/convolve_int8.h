// The 8-bit convolution-and-pool kernel, written once and included once for each instruction set. Sums are 32-bit
// integers and exact, and so is what follows them: every instruction set gives the same bits. The including file
// defines
//
//   KERNEL(name)      the name with the instruction set's suffix
//   VECTOR_LANES      output channels of one vector of sums
//   LANE_VECTORS      vectors that one block of output channels takes
//   TILE_ROWS         convolution rows computed together
//   STEP_CHANNELS     input channels that one `dot` takes: 4 or 8
//   INPUT_OFFSET      what `load` takes off every input: 128 where the instruction wants signed bytes, else 0
//   TARGET            the function attribute that allows the instructions, or nothing
//
// and the primitives  sums, input  (types), zero(), load(bytes), dot(sums, input, weights), collect(sums, int32s).

#include <string.h>

#include "include/CKernels.h"

#define INT8_LANES (VECTOR_LANES * LANE_VECTORS)
#define INLINE static inline __attribute__((always_inline))

// `rows` convolution rows of one block of output channels into raw [rows, INT8_LANES].
// `rows` is a constant wherever this is inlined, so that the sums are registers.
TARGET INLINE void KERNEL(tile)(const size_t rows, const wavetag_int8_convolution *layer, const int8_t *weights,
                                const void *const *inputs, const size_t *row_offset, int32_t *raw)
{
    KERNEL(sums) sum[TILE_ROWS][LANE_VECTORS];
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < LANE_VECTORS; v++) sum[r][v] = KERNEL(zero)();
    }

    const size_t column = wavetag_int8_column_bytes(layer->depth);
    for (size_t tap = 0; tap < layer->taps; tap++) {
        const uint8_t *input[TILE_ROWS];
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) input[r] = inputs[row_offset[r] + tap];
        for (size_t c = 0; c < column; c += STEP_CHANNELS) {
#pragma clang loop unroll(full)
            for (size_t r = 0; r < rows; r++) {
                const KERNEL(input) x = KERNEL(load)(input[r] + c);
#pragma clang loop unroll(full)
                for (size_t v = 0; v < LANE_VECTORS; v++)
                    sum[r][v] = KERNEL(dot)(sum[r][v], x, weights + v * VECTOR_LANES * STEP_CHANNELS);
            }
            weights += INT8_LANES * STEP_CHANNELS;
        }
    }

#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < LANE_VECTORS; v++)
            KERNEL(collect)(sum[r][v], raw + r * INT8_LANES + v * VECTOR_LANES);
    }
}

TARGET static void KERNEL(tile_of)(size_t rows, const wavetag_int8_convolution *layer, const int8_t *weights,
                                   const void *const *inputs, const size_t *row_offset, int32_t *raw)
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

typedef int32_t KERNEL(lanes) __attribute__((vector_size(VECTOR_LANES * 4), aligned(4)));

// Max over `rows` raw rows, kept in `best` [INT8_LANES]; `first` says that `best` holds nothing yet.
TARGET INLINE void KERNEL(pool)(const int32_t *raw, size_t rows, int first, int32_t *best)
{
    typedef KERNEL(lanes) lanes;
    for (size_t v = 0; v < LANE_VECTORS; v++) {
        const int32_t *column = raw + v * VECTOR_LANES;
        lanes most = first ? *(const lanes *)column : *(lanes *)(best + v * VECTOR_LANES);
        for (size_t r = first ? 1 : 0; r < rows; r++)
            most = __builtin_elementwise_max(*(const lanes *)(column + r * INT8_LANES), most);
        *(lanes *)(best + v * VECTOR_LANES) = most;
    }
}

// A block's outputs. Nearly all blocks are full: copying them then is a store or two, not a call.
TARGET INLINE void KERNEL(copy)(void *output, const void *block, size_t count, const size_t size)
{
    if (count == INT8_LANES)
        memcpy(output, block, INT8_LANES * size);
    else
        memcpy(output, block, count * size);
}

// Bias and ReLU, then either the requantised byte,  min(255, (v · multiplier + 2^(shift − 1)) >> shift),  or the
// number itself, v · scale. One rounding each, the same everywhere.
TARGET INLINE void KERNEL(store)(const wavetag_int8_convolution *layer, size_t block, const int32_t *best,
                                 void *output)
{
    const size_t begin = block * INT8_LANES;
    const size_t count = layer->width - begin < INT8_LANES ? layer->width - begin : INT8_LANES;
    const int32_t *bias = layer->bias + begin;
    uint32_t value[INT8_LANES];
    for (size_t lane = 0; lane < INT8_LANES; lane++) {
        const int32_t sum = best[lane] + bias[lane];
        value[lane] = sum > 0 ? (uint32_t)sum : 0;
    }
    if (layer->output_scale) {
        const float *scale = layer->output_scale + begin;
        float result[INT8_LANES];
        for (size_t lane = 0; lane < INT8_LANES; lane++) result[lane] = (float)(int32_t)value[lane] * scale[lane];
        KERNEL(copy)((float *)output + begin, result, count, sizeof(float));
        return;
    }
    const uint32_t *multiplier = layer->multiplier + begin;
    const unsigned shift = layer->shift;
    const uint64_t half = (uint64_t)1 << (shift - 1);
    uint8_t result[INT8_LANES];
    for (size_t lane = 0; lane < INT8_LANES; lane++) {
        const uint64_t scaled = ((uint64_t)value[lane] * multiplier[lane] + half) >> shift;
        result[lane] = scaled < 255 ? (uint8_t)scaled : 255;
    }
    KERNEL(copy)((uint8_t *)output + begin, result, count, 1);
}

TARGET static void KERNEL(convolve)(const wavetag_int8_convolution *layer, size_t columns,
                                    const void *const *inputs, void *const *outputs)
{
    const size_t pool = layer->pool;
    const size_t spread = pool + layer->taps - 1;
    const size_t blocks = (layer->width + INT8_LANES - 1) / INT8_LANES;
    const size_t block_bytes = layer->taps * wavetag_int8_column_bytes(layer->depth) * INT8_LANES;
    // A tile holds whole output columns where one fits, so that pooling needs no memory of earlier tiles.
    const size_t tile_columns = pool <= TILE_ROWS ? TILE_ROWS / pool : 1;
    int32_t raw[TILE_ROWS * INT8_LANES] __attribute__((aligned(64)));
    int32_t best[INT8_LANES] __attribute__((aligned(64)));
    size_t row_offset[TILE_ROWS];

    // A block's weights stay in the nearest cache while all columns pass; each weight is fetched once a call.
    for (size_t block = 0; block < blocks; block++) {
        const int8_t *weights = layer->weights + block * block_bytes;
        for (size_t column = 0; column < columns; column += tile_columns) {
            const size_t count = columns - column < tile_columns ? columns - column : tile_columns;
            const void *const *tile_inputs = inputs + column * spread;
            if (pool <= TILE_ROWS) {
                size_t rows = 0;
                for (size_t i = 0; i < count; i++)
                    for (size_t r = 0; r < pool; r++) row_offset[rows++] = i * spread + r;
                KERNEL(tile_of)(rows, layer, weights, tile_inputs, row_offset, raw);
                for (size_t i = 0; i < count; i++) {
                    KERNEL(pool)(raw + i * pool * INT8_LANES, pool, 1, best);
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

typedef float KERNEL(floats) __attribute__((vector_size(VECTOR_LANES * 4), aligned(4)));
typedef uint8_t KERNEL(bytes) __attribute__((vector_size(VECTOR_LANES), aligned(1)));

// One column and block of a layer that stays float.
TARGET INLINE void KERNEL(dense_block)(const size_t depth, const int to_bytes, const size_t rest,
                                       const wavetag_int8_dense *layer, size_t block, const float *input,
                                       void *output)
{
    const size_t begin = block * INT8_LANES;
    const size_t count = rest < INT8_LANES ? rest : INT8_LANES;
    const float *weights = layer->weights + begin * depth;
    KERNEL(floats) sum[LANE_VECTORS];
#pragma clang loop unroll(full)
    for (size_t v = 0; v < LANE_VECTORS; v++)
        sum[v] = *(const KERNEL(floats) *)(layer->bias + begin + v * VECTOR_LANES);
    for (size_t c = 0; c < depth; c++, weights += INT8_LANES) {
        const KERNEL(floats) x = (KERNEL(floats)){0} + input[c];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < LANE_VECTORS; v++)
            sum[v] = __builtin_elementwise_fma(x, *(const KERNEL(floats) *)(weights + v * VECTOR_LANES), sum[v]);
    }
    if (!to_bytes) {
        KERNEL(copy)((float *)output + begin, sum, count, sizeof(float));
        return;
    }
    uint8_t result[INT8_LANES];
#pragma clang loop unroll(full)
    for (size_t v = 0; v < LANE_VECTORS; v++) {
        const KERNEL(floats) zero = {0};
        // Bits where the sum is above 0, and so neither negative nor a NaN.
        const KERNEL(floats) positive = (KERNEL(floats))((KERNEL(lanes))sum[v] & (sum[v] > zero));
        // 1.5 · 2^23 leaves no bits behind the point: the sum is rounded, half to even.
        const KERNEL(floats) rounded = __builtin_elementwise_min(positive, zero + 255.0f) + 12582912.0f;
        *(KERNEL(bytes) *)(result + v * VECTOR_LANES) =
            __builtin_convertvector((KERNEL(lanes))rounded & 255, KERNEL(bytes));
    }
    KERNEL(copy)((uint8_t *)output + begin, result, count, 1);
}

TARGET INLINE void KERNEL(dense_columns)(const size_t depth, const wavetag_int8_dense *layer, size_t block,
                                         size_t columns, const void *const *inputs, void *const *outputs)
{
    if (layer->to_bytes && layer->width - block * INT8_LANES >= INT8_LANES)
        for (size_t column = 0; column < columns; column++)
            KERNEL(dense_block)(depth, 1, INT8_LANES, layer, block, inputs[column], outputs[column]);
    else
        for (size_t column = 0; column < columns; column++)
            KERNEL(dense_block)(depth, layer->to_bytes, layer->width - block * INT8_LANES, layer, block,
                                inputs[column], outputs[column]);
}

// Layers that stay float: sums of fused multiply-adds, each channel's in the order of its inputs, so that rounding is
// the same on every machine and however a vector is filled.
TARGET static void KERNEL(dense)(const wavetag_int8_dense *layer, size_t columns, const void *const *inputs,
                                 void *const *outputs)
{
    const size_t blocks = (layer->width + INT8_LANES - 1) / INT8_LANES;
    for (size_t block = 0; block < blocks; block++) {
        // Layer 0 has 2 to 5 inputs, and nearly all of the columns: a block's weights then stay in registers.
        switch (layer->depth) {
        case 2: KERNEL(dense_columns)(2, layer, block, columns, inputs, outputs); break;
        case 3: KERNEL(dense_columns)(3, layer, block, columns, inputs, outputs); break;
        case 4: KERNEL(dense_columns)(4, layer, block, columns, inputs, outputs); break;
        case 5: KERNEL(dense_columns)(5, layer, block, columns, inputs, outputs); break;
        default: KERNEL(dense_columns)(layer->depth, layer, block, columns, inputs, outputs); break;
        }
    }
}

#define KERNEL_TABLE(label) \
    {label, VECTOR_LANES, LANE_VECTORS, STEP_CHANNELS, INPUT_OFFSET, KERNEL(convolve), KERNEL(dense)}
