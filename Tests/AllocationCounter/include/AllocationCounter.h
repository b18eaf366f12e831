#ifndef WAVETAG_ALLOCATION_COUNTER_H
#define WAVETAG_ALLOCATION_COUNTER_H
#include <stddef.h>

/// Allocations that the calling thread has made so far, by whatever library.
size_t wavetag_allocation_count(void);

/// Whether allocations and system calls can be told here: not where a sanitizer makes its own.
int wavetag_sees_allocations(void);

/// Runs `body` in a child process whose first system call ends it.
///
/// Returns what `body` returned (0 to 100), 128 and the signal's number where a signal ended the child (SIGSYS: there was
/// a system call), and -1 where no such child can be made here.
int wavetag_without_system_calls(int (*body)(void *), void *context);

#endif
