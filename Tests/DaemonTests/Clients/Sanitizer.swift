import AllocationCounter

/// Whether a sanitizer watches the tests and the programs that they start. What is freed then stays for a while, so that
/// late uses are told; memory that a process may have is no measure; libraries can't be put before others.
let isSanitized = wavetag_sees_allocations() == 0
