// What a program has the disk take: preloaded (LD_PRELOAD), a line for each fsync and fdatasync in the file SYNC_RECORD
// names, with the size and the path of what was written out. What stood only in the kernel's memory can't be told from it in
// any other way, short of a power cut. While there is a file SYNC_REFUSED, the disk takes
// nothing, and the line is "refused".
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "SyncRecorder.h"

static void record(const char *line, int count)
{
    const int file = open(getenv("SYNC_RECORD"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file >= 0 && write(file, line, (size_t)count) != count) abort();
    close(file);
}

static int is_refused(void)
{
    const char *refused = getenv("SYNC_REFUSED");
    if (!refused || access(refused, F_OK)) return 0;
    record("refused\n", 8);
    errno = EIO;
    return 1;
}

static int recorded(int descriptor, long result)
{
    char link[64], path[PATH_MAX], line[PATH_MAX + 32];
    struct stat status;
    if (result || !getenv("SYNC_RECORD") || fstat(descriptor, &status)) return (int)result;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    const ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    record(line, snprintf(line, sizeof line, "%lld %s\n", (long long)status.st_size, path));
    return 0;
}

int fsync(int descriptor) { return is_refused() ? -1 : recorded(descriptor, syscall(SYS_fsync, descriptor)); }

int fdatasync(int descriptor) { return is_refused() ? -1 : recorded(descriptor, syscall(SYS_fdatasync, descriptor)); }
