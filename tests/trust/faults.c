/* Lets the n-th call that writes below a folder fail, for the n of fault_set. Loaded with LD_PRELOAD.

   The calls are those of every library in the process, Lance's Rust code included. A failure is ENOSPC, once or from
   then on. Every call (n = 0), or the one that failed first, is noted in a log: its name and its path. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char root[PATH_MAX];
static atomic_long count, fail_at, stays;
static int log_fd = -1;

void fault_set(const char *folder, long n, int from_then_on, const char *log) {
    log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    atomic_store(&count, 0);
    atomic_store(&fail_at, n);
    atomic_store(&stays, from_then_on);
    strncpy(root, folder, sizeof root - 1);
}

static int fails(const char *call, const char *path) {
    if (!root[0] || strncmp(path, root, strlen(root))) return 0;
    long n = atomic_fetch_add(&count, 1) + 1, at = atomic_load(&fail_at);
    if (!at || n == at) {
        char line[PATH_MAX + 32];
        int length = snprintf(line, sizeof line, "%s %s\n", call, path + strlen(root));
        syscall(SYS_write, log_fd, line, length);
    }
    return at && (n == at || (atomic_load(&stays) && n > at));
}

static int fails_fd(const char *call, int fd) {
    char link[64], path[PATH_MAX];
    if (!root[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return fails(call, path);
}

/* A path that is not absolute is taken from the folder `at`. */
static int fails_at(const char *call, int at, const char *path) {
    char folder[PATH_MAX], link[64], whole[2 * PATH_MAX];
    if (!root[0] || !path) return 0;
    if (path[0] == '/') return fails(call, path);
    snprintf(link, sizeof link, at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
    ssize_t n = readlink(link, folder, sizeof folder - 1);
    if (n < 0) return 0;
    folder[n] = 0;
    snprintf(whole, sizeof whole, "%s/%s", folder, path);
    return fails(call, whole);
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define FAIL(test) do { int saved = errno; if (test) { errno = ENOSPC; return -1; } errno = saved; } while (0)
#define BY_FD(result, name, types, names) result name types { REAL(name); FAIL(fails_fd(#name, fd)); return real names; }
#define BY_PATH(name, types, names, at, path) int name types { REAL(name); FAIL(fails_at(#name, at, path)); return real names; }

BY_FD(ssize_t, write, (int fd, const void *data, size_t n), (fd, data, n))
BY_FD(ssize_t, pwrite, (int fd, const void *data, size_t n, off_t at), (fd, data, n, at))
BY_FD(ssize_t, pwrite64, (int fd, const void *data, size_t n, off64_t at), (fd, data, n, at))
BY_FD(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
BY_FD(int, fsync, (int fd), (fd))
BY_FD(int, fdatasync, (int fd), (fd))
BY_FD(int, ftruncate, (int fd, off_t n), (fd, n))
BY_FD(int, ftruncate64, (int fd, off64_t n), (fd, n))
BY_FD(ssize_t, sendfile, (int fd, int from, off_t *at, size_t n), (fd, from, at, n))
BY_FD(ssize_t, sendfile64, (int fd, int from, off64_t *at, size_t n), (fd, from, at, n))
BY_FD(ssize_t, copy_file_range, (int from, off64_t *a, int fd, off64_t *b, size_t n, unsigned f), (from, a, fd, b, n, f))

BY_PATH(rename, (const char *a, const char *b), (a, b), AT_FDCWD, b)
BY_PATH(renameat, (int x, const char *a, int y, const char *b), (x, a, y, b), y, b)
BY_PATH(renameat2, (int x, const char *a, int y, const char *b, unsigned f), (x, a, y, b, f), y, b)
BY_PATH(link, (const char *a, const char *b), (a, b), AT_FDCWD, b)
BY_PATH(linkat, (int x, const char *a, int y, const char *b, int f), (x, a, y, b, f), y, b)
BY_PATH(symlink, (const char *a, const char *b), (a, b), AT_FDCWD, b)
BY_PATH(mkdir, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
BY_PATH(mkdirat, (int at, const char *path, mode_t mode), (at, path, mode), at, path)

/* Only a call that may create a file needs room on the disk. */
#define OPENS(name, types, names, at) int name types { \
    REAL(name); \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
    if (flags & O_CREAT) FAIL(fails_at(#name, at, path)); \
    return real names; }
OPENS(open, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPENS(open64, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPENS(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode), at)
OPENS(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode), at)
