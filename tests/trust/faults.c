/* Lets the n-th call that writes below a folder fail, for the n of fault_set. Loaded with LD_PRELOAD.

   The calls are those of every library in the process, Lance's Rust code included: write, pwrite, writev, fsync,
   fdatasync, ftruncate, rename, link. A failure is ENOSPC, once or from then on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static char root[PATH_MAX];
static atomic_long count, fail_at, stays;

void fault_set(const char *folder, long n, int from_then_on) {
    strncpy(root, folder, sizeof root - 1);
    atomic_store(&count, 0);
    atomic_store(&fail_at, n);
    atomic_store(&stays, from_then_on);
}

long fault_count(void) { return atomic_load(&count); }

static int below(const char *path) { return root[0] && strncmp(path, root, strlen(root)) == 0; }

static int below_fd(int fd) {
    char link[64], path[PATH_MAX];
    if (!root[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return below(path);
}

static int fails(int is_below) {
    if (!is_below) return 0;
    long n = atomic_fetch_add(&count, 1) + 1, at = atomic_load(&fail_at);
    return at && (n == at || (atomic_load(&stays) && n > at));
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define FAIL_FD(fd) do { int saved = errno; if (fails(below_fd(fd))) { errno = ENOSPC; return -1; } errno = saved; } while (0)

ssize_t write(int fd, const void *data, size_t n) { REAL(write); FAIL_FD(fd); return real(fd, data, n); }
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { REAL(pwrite); FAIL_FD(fd); return real(fd, data, n, at); }
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) { REAL(pwrite64); FAIL_FD(fd); return real(fd, data, n, at); }
ssize_t writev(int fd, const struct iovec *v, int n) { REAL(writev); FAIL_FD(fd); return real(fd, v, n); }
int fsync(int fd) { REAL(fsync); FAIL_FD(fd); return real(fd); }
int fdatasync(int fd) { REAL(fdatasync); FAIL_FD(fd); return real(fd); }
int ftruncate(int fd, off_t n) { REAL(ftruncate); FAIL_FD(fd); return real(fd, n); }
int ftruncate64(int fd, off64_t n) { REAL(ftruncate64); FAIL_FD(fd); return real(fd, n); }

#define FAIL_PATH(path) do { if (fails(below(path))) { errno = ENOSPC; return -1; } } while (0)
int rename(const char *a, const char *b) { REAL(rename); FAIL_PATH(b); return real(a, b); }
int link(const char *a, const char *b) { REAL(link); FAIL_PATH(b); return real(a, b); }
int linkat(int x, const char *a, int y, const char *b, int f) { REAL(linkat); FAIL_PATH(b); return real(x, a, y, b, f); }
