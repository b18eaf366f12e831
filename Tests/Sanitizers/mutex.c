// Tells thread sanitizer of the locks that it can't see; put before other libraries.
//
// Swift's `Mutex` takes and gives a lock that nobody else wants by an atomic operation in the program itself, which the
// sanitizer knows. One that is wanted goes through three functions of libswiftSynchronization, which isn't built for the
// sanitizer: without this, whatever such a lock guards is reported as a race.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self
#define MUTEX "$s15Synchronization12_MutexHandleV"
#define LOCK MUTEX "9_lockSlowyys6UInt32VF"
#define TRY MUTEX "12_tryLockSlowSbyF"
#define UNLOCK MUTEX "11_unlockSlowyyF"

// Of the program, where it is built for the sanitizer; null in any other that tests start.
void __tsan_acquire(void *address) __attribute__((weak));
void __tsan_release(void *address) __attribute__((weak));

SWIFT void lock(uint32_t thread, SELF) __asm__(LOCK);
SWIFT bool try_lock(SELF) __asm__(TRY);
SWIFT void unlock(SELF) __asm__(UNLOCK);

static SWIFT void (*next_lock)(uint32_t thread, SELF);
static SWIFT bool (*next_try)(SELF);
static SWIFT void (*next_unlock)(SELF);

// Before any thread is started: all three are there, or the program has no such locks.
__attribute__((constructor)) static void find(void) {
    *(void **)&next_lock = dlsym(RTLD_NEXT, LOCK);
    *(void **)&next_try = dlsym(RTLD_NEXT, TRY);
    *(void **)&next_unlock = dlsym(RTLD_NEXT, UNLOCK);
}

SWIFT void lock(uint32_t thread, SELF) {
    next_lock(thread, self);
    if (__tsan_acquire) __tsan_acquire(self);
}

SWIFT bool try_lock(SELF) {
    bool taken = next_try(self);
    if (taken && __tsan_acquire) __tsan_acquire(self);
    return taken;
}

SWIFT void unlock(SELF) {
    if (__tsan_release) __tsan_release(self);
    next_unlock(self);
}
