#include <string.h>

#include "include/CKernels.h"

extern const wavetag_kernel wavetag_portable;

#if defined(__x86_64__)
extern const wavetag_kernel wavetag_avx2;
extern const wavetag_kernel wavetag_avx512;

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
