// Any processor the compiler knows: the reference that the other instruction sets are tested against.
#define KERNEL(name) wavetag_portable_##name
#define VECTOR_FLOATS 4
#define LANE_VECTORS 2
#define TILE_ROWS 6
#define TARGET
#include "convolve.h"
#include "gradient.h"

const wavetag_kernel wavetag_portable = {"portable", LANES, wavetag_portable_convolve, TILE_ROWS, GRADIENT_KERNELS};
