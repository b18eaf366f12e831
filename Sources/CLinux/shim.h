// What Swift's Glibc module leaves out.
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/// A counter that poll(2) can wait for: reading waits until it isn't 0 and clears it. −1 where there is no descriptor left.
static inline int wavetag_event_counter(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

/// Names the calling thread, as `ps` and `top` show it; 15 characters are kept.
static inline void wavetag_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

/// How many descriptors this process may have, raised to `wanted` where it may be.
static inline unsigned long wavetag_allow_descriptors(unsigned long wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return 1024;
    if (limit.rlim_cur < wanted) {
        const struct rlimit raised = {wanted < limit.rlim_max ? wanted : limit.rlim_max, limit.rlim_max};
        if (!setrlimit(RLIMIT_NOFILE, &raised)) return raised.rlim_cur;
    }
    return limit.rlim_cur;
}
/// Lets other threads go first: what the calling one does isn't urgent.
static inline void wavetag_stand_back(void) { setpriority(PRIO_PROCESS, 0, 10); }

/// Ends this process after some seconds, lets it have no more than so much memory, and leaves no core when it crashes.
static inline void wavetag_limit_process(unsigned seconds, unsigned long bytes)
{
    struct rlimit memory = {bytes, bytes}, core = {0, 0};
    setrlimit(RLIMIT_AS, &memory);
    setrlimit(RLIMIT_CORE, &core);
    alarm(seconds);
}
