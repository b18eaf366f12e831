// What training adds to the convolution kernel, written once over the compiler's vector extension. Included behind
// convolve.h, whose macros it uses.
//
// The gradient of a convolution's weights is a product of two tall matrices: what came in, and what comes back. Both
// are packed so that the innermost loop reads two short runs, one behind the other: a panel of TILE_ROWS input
// channels, of which each is broadcast, and a block of LANES output channels.

// Rows `[rows, width]` as panels `[panels, rows, TILE_ROWS]`, zeros behind `width`.
TARGET static void KERNEL(pack_panels)(size_t rows, size_t width, const float *input, float *panels)
{
    for (size_t begin = 0; begin < width; begin += TILE_ROWS) {
        const size_t count = width - begin < TILE_ROWS ? width - begin : TILE_ROWS;
        if (count == TILE_ROWS) {
            for (size_t row = 0; row < rows; row++, panels += TILE_ROWS)
                memcpy(panels, input + row * width + begin, TILE_ROWS * sizeof(float));
        } else {
            for (size_t row = 0; row < rows; row++, panels += TILE_ROWS) {
                memset(panels, 0, TILE_ROWS * sizeof(float));
                memcpy(panels, input + row * width + begin, count * sizeof(float));
            }
        }
    }
}

// Rows `[rows, width]` into blocks `[blocks, stride, LANES]` from row `first` on, zeros behind `width`.
TARGET static void KERNEL(pack_blocks)(size_t rows, size_t width, const float *input, size_t first, size_t stride,
                                       float *blocks)
{
    for (size_t begin = 0; begin < width; begin += LANES, blocks += stride * LANES) {
        const size_t count = width - begin < LANES ? width - begin : LANES;
        float *target = blocks + first * LANES;
        if (count == LANES) {
            for (size_t row = 0; row < rows; row++, target += LANES)
                memcpy(target, input + row * width + begin, LANES * sizeof(float));
        } else {
            for (size_t row = 0; row < rows; row++, target += LANES) {
                memset(target, 0, LANES * sizeof(float));
                memcpy(target, input + row * width + begin, count * sizeof(float));
            }
        }
    }
}

// The products of `count` channels of a panel with one block, summed over `rows`, added to output [count, width].
// `count` is a constant wherever this is inlined, so that the accumulators are registers.
TARGET static inline __attribute__((always_inline)) void KERNEL(outer)(
    const size_t count, size_t rows, const float *panel, const float *block, size_t lanes, size_t width, float *output)
{
    typedef KERNEL(vector) vector;
    vector sum[TILE_ROWS][LANE_VECTORS];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < count; i++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < LANE_VECTORS; v++) sum[i][v] = (vector){0};
    }
    for (size_t row = 0; row < rows; row++) {
        vector gradient[LANE_VECTORS];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < LANE_VECTORS; v++) gradient[v] = *(const vector *)(block + v * VECTOR_FLOATS);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < count; i++) {
            const vector x = (vector){0} + panel[i];
#pragma clang loop unroll(full)
            for (size_t v = 0; v < LANE_VECTORS; v++) sum[i][v] += x * gradient[v];
        }
        panel += TILE_ROWS;
        block += LANES;
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < count; i++) {
        if (lanes == LANES) {
#pragma clang loop unroll(full)
            for (size_t v = 0; v < LANE_VECTORS; v++)
                *(vector *)(output + i * width + v * VECTOR_FLOATS) += sum[i][v];
        } else {
            float all[LANES];
            memcpy(all, sum[i], sizeof all);
            for (size_t lane = 0; lane < lanes; lane++) output[i * width + lane] += all[lane];
        }
    }
}

TARGET static void KERNEL(outer_of)(size_t count, size_t rows, const float *panel, const float *block, size_t lanes,
                                    size_t width, float *output)
{
    switch (count) {
    case 1: KERNEL(outer)(1, rows, panel, block, lanes, width, output); break;
    case 2: KERNEL(outer)(2, rows, panel, block, lanes, width, output); break;
    case 3: KERNEL(outer)(3, rows, panel, block, lanes, width, output); break;
    case 4: KERNEL(outer)(4, rows, panel, block, lanes, width, output); break;
    case 5: KERNEL(outer)(5, rows, panel, block, lanes, width, output); break;
    case 6: KERNEL(outer)(6, rows, panel, block, lanes, width, output); break;
#if TILE_ROWS > 6
    case 7: KERNEL(outer)(7, rows, panel, block, lanes, width, output); break;
    case 8: KERNEL(outer)(8, rows, panel, block, lanes, width, output); break;
    case 9: KERNEL(outer)(9, rows, panel, block, lanes, width, output); break;
    case 10: KERNEL(outer)(10, rows, panel, block, lanes, width, output); break;
    case 11: KERNEL(outer)(11, rows, panel, block, lanes, width, output); break;
    case 12: KERNEL(outer)(12, rows, panel, block, lanes, width, output); break;
#endif
    }
}

TARGET static void KERNEL(accumulate)(size_t taps, size_t rows, size_t depth, size_t width, size_t panel_rows,
                                      const float *panels, const float *blocks, float *gradient)
{
    // A block of what comes back stays in the nearest cache while all panels and taps pass.
    for (size_t lane = 0; lane < width; lane += LANES, blocks += rows * LANES) {
        const size_t lanes = width - lane < LANES ? width - lane : LANES;
        for (size_t begin = 0; begin < depth; begin += TILE_ROWS) {
            const size_t count = depth - begin < TILE_ROWS ? depth - begin : TILE_ROWS;
            const float *panel = panels + begin * panel_rows;
            for (size_t tap = 0; tap < taps; tap++)
                KERNEL(outer_of)(count, rows, panel + tap * TILE_ROWS, blocks, lanes, width,
                                 gradient + (tap * depth + begin) * width + lane);
        }
    }
}

TARGET static void KERNEL(statistics)(size_t columns, size_t pool, size_t width, const float *restrict z,
                                      const float *restrict sign, float *restrict extreme, float *restrict sum,
                                      float *restrict squares)
{
    for (size_t column = 0; column < columns; column++, extreme += width) {
        for (size_t row = 0; row < pool; row++, z += width) {
            for (size_t c = 0; c < width; c++) {
                const float value = z[c];
                sum[c] += value;
                squares[c] += value * value;
                extreme[c] = row == 0 || value * sign[c] > extreme[c] * sign[c] ? value : extreme[c];
            }
        }
    }
}

TARGET static void KERNEL(normalise)(size_t columns, size_t width, const float *restrict x,
                                     const float *restrict scale, const float *restrict offset,
                                     float *restrict output)
{
    for (size_t column = 0; column < columns; column++, x += width, output += width)
        for (size_t c = 0; c < width; c++) {
            const float value = scale[c] * x[c] + offset[c];
            output[c] = value > 0 ? value : 0;
        }
}

TARGET static void KERNEL(rectify)(size_t columns, size_t width, const float *restrict x,
                                   const float *restrict scale, const float *restrict offset,
                                   const float *restrict mean, float *restrict gradient, float *restrict sum,
                                   float *restrict products)
{
    for (size_t column = 0; column < columns; column++, x += width, gradient += width)
        for (size_t c = 0; c < width; c++) {
            const float g = scale[c] * x[c] + offset[c] > 0 ? gradient[c] : 0;
            gradient[c] = g;
            sum[c] += g;
            products[c] += g * (x[c] - mean[c]);
        }
}

TARGET static void KERNEL(unpool)(size_t columns, size_t pool, size_t width, const float *restrict z,
                                  const float *restrict extreme, const float *restrict gradient,
                                  const float *restrict factor, const float *restrict slope,
                                  const float *restrict constant, float *restrict output)
{
    enum { CHUNK = 64 };
    for (size_t column = 0; column < columns; column++) {
        for (size_t begin = 0; begin < width; begin += CHUNK) {
            const size_t count = width - begin < CHUNK ? width - begin : CHUNK;
            const float *best = extreme + begin, *a = slope + begin, *b = constant + begin;
            // What a channel's gradient has left to give: all of it to the first row that is the extreme, as in
            // PyTorch, and nothing to those behind.
            float left[CHUNK];
            for (size_t c = 0; c < count; c++) left[c] = factor[begin + c] * gradient[begin + c];
            for (size_t row = 0; row < pool; row++) {
                const float *value = z + row * width + begin;
                float *result = output + row * width + begin;
                for (size_t c = 0; c < count; c++) {
                    const float given = value[c] == best[c] ? left[c] : 0;
                    result[c] = a[c] * value[c] + b[c] + given;
                    left[c] -= given;
                }
            }
        }
        extreme += width;
        gradient += width;
        z += pool * width;
        output += pool * width;
    }
}

#define GRADIENT_KERNELS                                                                                         \
    KERNEL(pack_panels), KERNEL(pack_blocks), KERNEL(accumulate), KERNEL(statistics), KERNEL(normalise),         \
        KERNEL(rectify), KERNEL(unpool)
