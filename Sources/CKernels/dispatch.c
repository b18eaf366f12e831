#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "include/CKernels.h"

extern const wavetag_kernel wavetag_portable;

#if defined(__x86_64__)
extern const wavetag_kernel wavetag_avx2;
extern const wavetag_kernel wavetag_avx512;

static int has_avx_vnni(void)
{
    // __builtin_cpu_supports does not know it in every compiler: leaf 7, subleaf 1, EAX bit 4.
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4);
}

const wavetag_kernel *const *wavetag_kernels(size_t *count)
{
    static const wavetag_kernel *const all[] = {&wavetag_avx512, &wavetag_avx2, &wavetag_portable};
    const int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const int has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq");
    const size_t skipped = has_avx512 ? 0 : has_avx2 ? 1 : 2;
    *count = 3 - skipped;
    return all + skipped;
}
#elif defined(__aarch64__)
extern const wavetag_kernel wavetag_neon;

const wavetag_kernel *const *wavetag_kernels(size_t *count)
{
    static const wavetag_kernel *const all[] = {&wavetag_neon, &wavetag_portable};
    *count = 2;
    return all;
}
#else
const wavetag_kernel *const *wavetag_kernels(size_t *count)
{
    static const wavetag_kernel *const all[] = {&wavetag_portable};
    *count = 1;
    return all;
}
#endif

#if defined(__x86_64__)
extern const wavetag_int8_kernel wavetag_int8_avx512vnni, wavetag_int8_avxvnni, wavetag_int8_avx2;
extern const wavetag_int8_kernel wavetag_int8_portable;
#define INT8_KERNELS 4

static size_t int8_kernels(const wavetag_int8_kernel **kernels)
{
    size_t count = 0;
    const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx2 && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
        kernels[count++] = &wavetag_int8_avx512vnni;
    if (avx2 && has_avx_vnni()) kernels[count++] = &wavetag_int8_avxvnni;
    if (avx2) kernels[count++] = &wavetag_int8_avx2;
    kernels[count++] = &wavetag_int8_portable;
    return count;
}
#elif defined(__aarch64__)
#include <sys/auxv.h>
extern const wavetag_int8_kernel wavetag_int8_neon_dotprod, wavetag_int8_neon, wavetag_int8_portable;
#define INT8_KERNELS 3

static size_t int8_kernels(const wavetag_int8_kernel **kernels)
{
    size_t count = 0;
    // HWCAP_ASIMDDP of Linux's uapi/asm/hwcap.h.
    if (getauxval(AT_HWCAP) & (1ul << 20)) kernels[count++] = &wavetag_int8_neon_dotprod;
    kernels[count++] = &wavetag_int8_neon;
    kernels[count++] = &wavetag_int8_portable;
    return count;
}
#else
extern const wavetag_int8_kernel wavetag_int8_portable;
#define INT8_KERNELS 1

static size_t int8_kernels(const wavetag_int8_kernel **kernels)
{
    kernels[0] = &wavetag_int8_portable;
    return 1;
}
#endif

const wavetag_int8_kernel *const *wavetag_int8_kernels(size_t *count)
{
    // Threads that come here at once write the same values.
    static const wavetag_int8_kernel *kernels[INT8_KERNELS];
    *count = int8_kernels(kernels);
    return kernels;
}

static size_t int8_lanes(const wavetag_int8_kernel *kernel) { return kernel->vector_lanes * kernel->lane_vectors; }

size_t wavetag_int8_packed_size(const wavetag_int8_kernel *kernel, size_t taps, size_t depth, size_t width)
{
    const size_t lanes = int8_lanes(kernel);
    return (width + lanes - 1) / lanes * lanes * taps * wavetag_int8_column_bytes(depth);
}

void wavetag_int8_pack(const wavetag_int8_kernel *kernel, size_t taps, size_t depth, size_t width,
                       const int8_t *weights, int8_t *packed, int32_t *bias)
{
    const size_t lanes = int8_lanes(kernel), step = kernel->step_channels;
    const size_t column = wavetag_int8_column_bytes(depth);
    memset(packed, 0, wavetag_int8_packed_size(kernel, taps, depth, width));
    for (size_t output = 0; output < width; output++) {
        int8_t *block = packed + output / lanes * (taps * column * lanes);
        const size_t lane = output % kernel->vector_lanes, vector = output % lanes / kernel->vector_lanes;
        for (size_t tap = 0; tap < taps; tap++)
            for (size_t c = 0; c < depth; c++) {
                const int8_t weight = weights[(output * depth + c) * taps + tap];
                // Steps of all lanes; in them vectors; in them groups of four channels; in them lanes.
                const size_t group = c % step / 4;
                block[(tap * column + c / step * step) * lanes + vector * kernel->vector_lanes * step
                      + (group * kernel->vector_lanes + lane) * 4 + c % 4] = weight;
                bias[output] += kernel->input_offset * weight;
            }
    }
}

size_t wavetag_packed_size(size_t lanes, size_t taps, size_t depth, size_t width)
{
    return (width + lanes - 1) / lanes * lanes * taps * depth;
}

void wavetag_pack(size_t lanes, size_t taps, size_t depth, size_t width, const float *weights, const float *scale,
                  float *packed)
{
    const size_t blocks = (width + lanes - 1) / lanes;
    memset(packed, 0, blocks * lanes * taps * depth * sizeof(float));
    for (size_t output = 0; output < width; output++) {
        float *block = packed + output / lanes * (taps * depth * lanes) + output % lanes;
        for (size_t tap = 0; tap < taps; tap++)
            for (size_t c = 0; c < depth; c++)
                block[(tap * depth + c) * lanes] = scale[output] * weights[(output * depth + c) * taps + tap];
    }
}
