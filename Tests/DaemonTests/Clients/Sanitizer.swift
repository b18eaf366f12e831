import AllocationCounter
import Glibc

/// Whether a sanitizer watches the tests and the programs that they start. What is freed then stays for a while, so that
/// late uses are told; memory that a process may have is no measure; libraries can't be put before others.
let isSanitized = wavetag_sees_allocations() == 0

/// Whether that is thread sanitizer, which writes into a file of its own: it doesn't start where files may not grow.
let isThreadSanitized = dlsym(nil, "__tsan_init") != nil
