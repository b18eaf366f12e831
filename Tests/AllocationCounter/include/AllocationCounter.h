#ifndef WAVETAG_ALLOCATION_COUNTER_H
#define WAVETAG_ALLOCATION_COUNTER_H
#include <stddef.h>

/// Allocations that the calling thread has made so far, by whatever library.
size_t wavetag_allocation_count(void);

#endif
