// Holds every kernel that this processor can run against plain arithmetic, 8-bit ones bit for bit, and prints what
// they gave as one number, the same on every machine. `run.sh` builds it for x86-64 and for 64-bit Arm.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CKernels.h"

enum { random_numbers, largest, smallest, kinds };

typedef struct {
    size_t taps, depth, pool, width, columns;
} shape;

// Widths, depths and rows that leave every kind of rest, and the published nets' own.
static const shape shapes[] = {
    {3, 128, 3, 128, 27}, {3, 5, 3, 7, 1},    {2, 8, 2, 33, 5},    {4, 16, 4, 64, 3},  {5, 4, 5, 31, 4},
    {7, 3, 7, 17, 3},     {13, 2, 13, 40, 2}, {1, 512, 1, 50, 1},  {1, 9, 1, 1, 3},    {3, 256, 3, 256, 4},
    {3, 256, 3, 512, 1},  {1, 512, 1, 512, 1}, {5, 128, 5, 128, 3}, {2, 256, 2, 256, 7},
};
#define SHAPES (sizeof shapes / sizeof *shapes)

static uint64_t state = 1, digest = 14695981039346656037u;
static int failures = 0;

static uint32_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

static float uniform(void) { return (float)(int32_t)(next() % 20001 - 10000) * 0x1p-13f; }

static void *memory(size_t bytes)
{
    const size_t whole = (bytes + 127) / 64 * 64;
    void *result = aligned_alloc(64, whole);
    if (!result) abort();
    memset(result, 0xA5, whole);
    return result;
}

static void count(const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) digest = (digest ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
}

static void hold(const char *kernel, const char *what, size_t place, const void *found, const void *expected, size_t size)
{
    if (memcmp(found, expected, size) == 0) return;
    printf("%s: %s %zu: not what plain arithmetic gives\n", kernel, what, place);
    failures++;
}

static void pointers(size_t columns, size_t spread, const uint8_t *input, size_t input_bytes, uint8_t *output,
                     size_t output_bytes, const void **inputs, void **outputs)
{
    for (size_t i = 0; i < columns * spread; i++) inputs[i] = input + i * input_bytes;
    for (size_t i = 0; i < columns; i++) outputs[i] = output + i * output_bytes;
}

static void convolution(size_t place, int kind, int to_floats)
{
    const shape s = shapes[place];
    const size_t spread = s.pool + s.taps - 1, row = s.depth * s.taps;
    const size_t in_bytes = wavetag_int8_column_bytes(s.depth);
    const size_t out_bytes = to_floats ? s.width * sizeof(float) : wavetag_int8_column_bytes(s.width);
    int8_t *weights = memory(s.width * row);
    uint8_t *input = memory(s.columns * spread * in_bytes);
    int32_t *bias = memory(s.width * sizeof *bias);
    uint32_t *multiplier = memory(s.width * sizeof *multiplier);
    float *scale = memory(s.width * sizeof *scale);
    for (size_t i = 0; i < s.width * row; i++) {
        const int second = i / s.taps % s.depth % 2 == 1;
        weights[i] = kind == random_numbers ? (int8_t)(next() % 129 - 64) : kind == largest ? (second ? 1 : 127) : -64;
    }
    for (size_t i = 0; i < s.columns * spread * in_bytes; i++)
        input[i] = kind == random_numbers ? (uint8_t)next() : 255;
    for (size_t i = 0; i < s.width; i++) {
        bias[i] = (int32_t)(next() % 2000001) - 1000000 + (kind == smallest ? 1 << 27 : 0);
        multiplier[i] = 0x40000000u + next() % 0x3FFFFFFFu;
        scale[i] = 1e-6f * (1 + (float)(next() % 1000));
    }
    const unsigned shift = 30 + 17;

    uint8_t *expected = memory(s.columns * out_bytes);
    for (size_t column = 0; column < s.columns; column++)
        for (size_t output = 0; output < s.width; output++) {
            int64_t best = INT64_MIN;
            for (size_t r = 0; r < s.pool; r++) {
                int64_t sum = bias[output];
                for (size_t tap = 0; tap < s.taps; tap++)
                    for (size_t c = 0; c < s.depth; c++)
                        sum += (int64_t)input[(column * spread + r + tap) * in_bytes + c]
                            * weights[(output * s.depth + c) * s.taps + tap];
                if (sum > best) best = sum;
            }
            const uint64_t value = best > 0 ? (uint64_t)best : 0;
            if (to_floats) {
                ((float *)(expected + column * out_bytes))[output] = (float)(int32_t)value * scale[output];
            } else {
                const uint64_t byte = (value * multiplier[output] + (1ull << (shift - 1))) >> shift;
                expected[column * out_bytes + output] = byte < 255 ? (uint8_t)byte : 255;
            }
        }

    size_t kernel_count;
    const wavetag_int8_kernel *const *kernels = wavetag_int8_kernels(&kernel_count);
    for (size_t k = 0; k < kernel_count; k++) {
        const wavetag_int8_kernel *kernel = kernels[k];
        const size_t lanes = kernel->vector_lanes * kernel->lane_vectors;
        const size_t padded = (s.width + lanes - 1) / lanes * lanes;
        int8_t *packed = memory(wavetag_int8_packed_size(kernel, s.taps, s.depth, s.width));
        int32_t *own_bias = calloc(padded, sizeof *own_bias);
        uint32_t *own_multiplier = calloc(padded, sizeof *own_multiplier);
        float *own_scale = calloc(padded, sizeof *own_scale);
        memcpy(own_bias, bias, s.width * sizeof *bias);
        memcpy(own_multiplier, multiplier, s.width * sizeof *multiplier);
        memcpy(own_scale, scale, s.width * sizeof *scale);
        wavetag_int8_pack(kernel, s.taps, s.depth, s.width, weights, packed, own_bias);
        const wavetag_int8_convolution layer = {
            .taps = s.taps, .depth = s.depth, .pool = s.pool, .width = s.width, .weights = packed, .bias = own_bias,
            .multiplier = own_multiplier, .shift = shift, .output_scale = to_floats ? own_scale : NULL,
        };
        uint8_t *output = memory(s.columns * out_bytes);
        const void **inputs = memory(s.columns * spread * sizeof *inputs);
        void **outputs = memory(s.columns * sizeof *outputs);
        pointers(s.columns, spread, input, in_bytes, output, out_bytes, inputs, outputs);
        kernel->convolve(&layer, s.columns, inputs, outputs);
        const size_t used = to_floats ? s.width * sizeof(float) : s.width;
        for (size_t column = 0; column < s.columns; column++) {
            hold(kernel->name, "convolution", place, output + column * out_bytes, expected + column * out_bytes, used);
            if (k == 0) count(output + column * out_bytes, used);
        }
        free(packed), free(own_bias), free(own_multiplier), free(own_scale);
        free(output), free(inputs), free(outputs);
    }
    free(weights), free(input), free(bias), free(multiplier), free(scale), free(expected);
}

static void dense(size_t width, size_t depth, int to_bytes)
{
    enum { columns = 5 };
    float *weights = memory(width * depth * sizeof *weights), *bias = memory(width * sizeof *bias);
    float *input = memory(columns * depth * sizeof *input);
    for (size_t i = 0; i < width * depth; i++) weights[i] = uniform();
    for (size_t i = 0; i < width; i++) bias[i] = uniform();
    for (size_t i = 0; i < columns * depth; i++) input[i] = uniform() * 90;
    const size_t out_bytes = to_bytes ? wavetag_int8_column_bytes(width) : width * sizeof(float);
    uint8_t *expected = memory(columns * out_bytes);
    for (size_t column = 0; column < columns; column++)
        for (size_t output = 0; output < width; output++) {
            float sum = bias[output];
            for (size_t c = 0; c < depth; c++)
                sum = fmaf(input[column * depth + c], weights[output * depth + c], sum);
            if (to_bytes)
                expected[column * out_bytes + output] = (uint8_t)nearbyintf(fminf(fmaxf(sum, 0), 255));
            else
                ((float *)(expected + column * out_bytes))[output] = sum;
        }
    size_t kernel_count;
    const wavetag_int8_kernel *const *kernels = wavetag_int8_kernels(&kernel_count);
    for (size_t k = 0; k < kernel_count; k++) {
        const size_t lanes = kernels[k]->vector_lanes * kernels[k]->lane_vectors;
        const size_t padded = (width + lanes - 1) / lanes * lanes;
        float *packed = calloc(padded * depth, sizeof *packed), *own_bias = calloc(padded, sizeof *own_bias);
        memcpy(own_bias, bias, width * sizeof *bias);
        for (size_t output = 0; output < width; output++)
            for (size_t c = 0; c < depth; c++)
                packed[(output / lanes * depth + c) * lanes + output % lanes] = weights[output * depth + c];
        const wavetag_int8_dense layer = {
            .depth = depth, .width = width, .weights = packed, .bias = own_bias, .to_bytes = to_bytes};
        uint8_t *output = memory(columns * out_bytes);
        const void *inputs[columns];
        void *outputs[columns];
        pointers(columns, 1, (const uint8_t *)input, depth * sizeof(float), output, out_bytes, inputs, outputs);
        kernels[k]->dense(&layer, columns, inputs, outputs);
        const size_t used = to_bytes ? width : width * sizeof(float);
        for (size_t column = 0; column < columns; column++) {
            hold(kernels[k]->name, "dense layer of", width, output + column * out_bytes,
                 expected + column * out_bytes, used);
            if (k == 0) count(output + column * out_bytes, used);
        }
        free(packed), free(own_bias), free(output);
    }
    free(weights), free(bias), free(input), free(expected);
}

// Float kernels add in their own order: near, not equal, and not part of the number.
static void float_convolution(size_t place)
{
    const shape s = shapes[place];
    const size_t spread = s.pool + s.taps - 1, row = s.depth * s.taps;
    float *weights = memory(s.width * row * sizeof *weights), *scale = memory(s.width * sizeof *scale);
    float *bias = memory(s.width * sizeof *bias), *input = memory(s.columns * spread * s.depth * sizeof *input);
    for (size_t i = 0; i < s.width * row; i++) weights[i] = uniform();
    for (size_t i = 0; i < s.width; i++) scale[i] = uniform(), bias[i] = uniform();
    for (size_t i = 0; i < s.columns * spread * s.depth; i++) input[i] = uniform();
    size_t kernel_count;
    const wavetag_kernel *const *kernels = wavetag_kernels(&kernel_count);
    for (size_t k = 0; k < kernel_count; k++) {
        const size_t lanes = kernels[k]->lanes, padded = (s.width + lanes - 1) / lanes * lanes;
        float *packed = memory(wavetag_packed_size(lanes, s.taps, s.depth, s.width) * sizeof *packed);
        float *own_bias = calloc(padded, sizeof *own_bias);
        memcpy(own_bias, bias, s.width * sizeof *bias);
        wavetag_pack(lanes, s.taps, s.depth, s.width, weights, scale, packed);
        const wavetag_convolution layer = {
            .taps = s.taps, .depth = s.depth, .pool = s.pool, .width = s.width, .relu = 1, .weights = packed,
            .bias = own_bias};
        float *output = memory(s.columns * s.width * sizeof *output);
        const void **inputs = memory(s.columns * spread * sizeof *inputs);
        void **outputs = memory(s.columns * sizeof *outputs);
        pointers(s.columns, spread, (const uint8_t *)input, s.depth * sizeof(float), (uint8_t *)output,
                 s.width * sizeof(float), inputs, outputs);
        kernels[k]->convolve(&layer, s.columns, inputs, outputs);
        for (size_t column = 0; column < s.columns; column++)
            for (size_t channel = 0; channel < s.width; channel++) {
                double best = -INFINITY;
                for (size_t r = 0; r < s.pool; r++) {
                    double sum = bias[channel];
                    for (size_t tap = 0; tap < s.taps; tap++)
                        for (size_t c = 0; c < s.depth; c++)
                            sum += (double)scale[channel] * weights[(channel * s.depth + c) * s.taps + tap]
                                * input[(column * spread + r + tap) * s.depth + c];
                    if (sum > best) best = sum;
                }
                const double found = output[column * s.width + channel];
                if (!(fabs(found - fmax(best, 0)) < 1e-5 * (double)row)) {
                    printf("%s: float convolution %zu: %g wanted, %g found\n", kernels[k]->name, place, best, found);
                    failures++;
                }
            }
        free(packed), free(own_bias), free(output), free(inputs), free(outputs);
    }
    free(weights), free(scale), free(bias), free(input);
}

int main(void)
{
    for (size_t place = 0; place < SHAPES; place++)
        for (int kind = 0; kind < kinds; kind++)
            for (int to_floats = 0; to_floats < 2; to_floats++) convolution(place, kind, to_floats);
    static const size_t layers[][2] = {{128, 3}, {128, 2}, {128, 4}, {128, 5}, {50, 512}, {7, 5}, {1, 1}};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        for (int to_bytes = 0; to_bytes < 2; to_bytes++) dense(layers[i][0], layers[i][1], to_bytes);
    for (size_t place = 0; place < SHAPES; place++) float_convolution(place);

    size_t kernel_count;
    const wavetag_int8_kernel *const *kernels = wavetag_int8_kernels(&kernel_count);
    printf("%016llx", (unsigned long long)digest);
    for (size_t k = 0; k < kernel_count; k++) printf(" %s", kernels[k]->name);
    printf("\n");
    return failures > 0;
}
