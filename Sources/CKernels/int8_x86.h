// What the x86-64 files have in common: how four input bytes are read for all lanes of a vector.
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

static inline __attribute__((always_inline)) int32_t wavetag_four_bytes(const uint8_t *bytes)
{
    int32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}
