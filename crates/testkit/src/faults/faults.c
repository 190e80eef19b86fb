/* Faults below a process: loaded before the C library (LD_PRELOAD), it lets calls on files fail the way a disk does.
 *
 * FAULTS_CONTROL names a file of 64-bit words, shared with the test, which writes the wishes and reads the counts;
 * FAULTS_BELOW names the folder whose files are meant. Everything else passes untouched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The words, in the order that mod.rs has them. */
enum { SYNC_ERROR, SYNC_SKIP, SYNC_TIMES, WRITE_ERROR, WRITE_LEFT, CHANGE_ERROR, CLOCK_OFFSET, SYNCS, WRITES, INJECTED, WORDS };

enum { PAGE = 4096 };

static volatile int64_t *control;
static const char *below;
static size_t below_length;

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_CONTROL");
    below = getenv("FAULTS_BELOW");
    if (!path || !below) return;
    below_length = strlen(below);
    REAL(int, "open", const char *, int, ...);
    int file = real(path, O_RDWR | O_CLOEXEC);
    if (file < 0) abort();
    void *words = mmap(NULL, WORDS * sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (words == MAP_FAILED) abort();
    close(file);
    control = words;
}

static int64_t word(int at) { return __atomic_load_n(&control[at], __ATOMIC_SEQ_CST); }

static int64_t add(int at, int64_t by) { return __atomic_fetch_add(&control[at], by, __ATOMIC_SEQ_CST); }

static int is_path_meant(const char *path) { return control && path && strncmp(path, below, below_length) == 0; }

static int is_meant(int file) {
    if (!control) return 0;
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_path_meant(path);
}

static int inject(int64_t error) {
    add(INJECTED, 1);
    errno = (int)error;
    return -1;
}

/* Whether a sync must fail: after so many that may pass, so many times, or always where that is 0. */
static int64_t sync_error(int file) {
    if (!is_meant(file)) return 0;
    add(SYNCS, 1);
    int64_t error = word(SYNC_ERROR);
    if (!error || add(SYNC_SKIP, -1) > 0) return 0;
    if (word(SYNC_TIMES) && add(SYNC_TIMES, -1) == 1) __atomic_store_n(&control[SYNC_ERROR], 0, __ATOMIC_SEQ_CST);
    return error;
}

/* Where the next write goes. */
static int64_t position(int file) {
    struct stat found;
    if (fcntl(file, F_GETFL) & O_APPEND) return fstat(file, &found) ? 0 : found.st_size;
    return lseek(file, 0, SEEK_CUR);
}

/* How many of the bytes may be written. A full disk takes those that fill up a page of the file, as the system hands
 * them on by pages. Negative: none, and it fails. */
static ssize_t room(int file, size_t wanted, int64_t at) {
    if (!is_meant(file)) return (ssize_t)wanted;
    add(WRITES, 1);
    if (!word(WRITE_ERROR)) return (ssize_t)wanted;
    int64_t left = add(WRITE_LEFT, -(int64_t)wanted);
    if (left >= (int64_t)wanted) return (ssize_t)wanted;
    if (at < 0) at = position(file);
    int64_t whole = left > 0 ? (at + left) / PAGE * PAGE - at : 0;
    return whole > 0 ? (ssize_t)whole : -1;
}

/* Whether something other than a write must fail: making, growing, renaming or removing a file. */
static int64_t change_error(int meant) { return meant ? word(CHANGE_ERROR) : 0; }

int fsync(int file) {
    REAL(int, "fsync", int);
    int64_t error = sync_error(file);
    return error ? inject(error) : real(file);
}

int fdatasync(int file) {
    REAL(int, "fdatasync", int);
    int64_t error = sync_error(file);
    return error ? inject(error) : real(file);
}

ssize_t write(int file, const void *bytes, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    ssize_t may = room(file, length, -1);
    return may < 0 ? inject(word(WRITE_ERROR)) : real(file, bytes, (size_t)may);
}

#define PWRITE(name, offset_type) \
    ssize_t name(int file, const void *bytes, size_t length, offset_type offset) { \
        REAL(ssize_t, #name, int, const void *, size_t, offset_type); \
        ssize_t may = room(file, length, offset); \
        return may < 0 ? inject(word(WRITE_ERROR)) : real(file, bytes, (size_t)may, offset); \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

static size_t total(const struct iovec *pieces, int count) {
    size_t length = 0;
    for (int at = 0; at < count; at++) length += pieces[at].iov_len;
    return length;
}

/* A vector that does not fit fails whole: short writes are shown by the others. */
ssize_t writev(int file, const struct iovec *pieces, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    size_t length = total(pieces, count);
    return room(file, length, -1) < (ssize_t)length ? inject(word(WRITE_ERROR)) : real(file, pieces, count);
}

#define PWRITEV(name, offset_type) \
    ssize_t name(int file, const struct iovec *pieces, int count, offset_type offset) { \
        REAL(ssize_t, #name, int, const struct iovec *, int, offset_type); \
        size_t length = total(pieces, count); \
        return room(file, length, offset) < (ssize_t)length ? inject(word(WRITE_ERROR)) : real(file, pieces, count, offset); \
    }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

#define FTRUNCATE(name, offset_type) \
    int name(int file, offset_type length) { \
        REAL(int, #name, int, offset_type); \
        int64_t error = change_error(is_meant(file)); \
        return error ? inject(error) : real(file, length); \
    }
FTRUNCATE(ftruncate, off_t)
FTRUNCATE(ftruncate64, off64_t)

#define FALLOCATE(name, offset_type) \
    int name(int file, int mode, offset_type offset, offset_type length) { \
        REAL(int, #name, int, int, offset_type, offset_type); \
        int64_t error = change_error(is_meant(file)); \
        return error ? inject(error) : real(file, mode, offset, length); \
    }
FALLOCATE(fallocate, off_t)
FALLOCATE(fallocate64, off64_t)

/* Unlike the others these return the error. */
#define POSIX_FALLOCATE(name, offset_type) \
    int name(int file, offset_type offset, offset_type length) { \
        REAL(int, #name, int, offset_type, offset_type); \
        int64_t error = change_error(is_meant(file)); \
        if (error) inject(error); \
        return error ? (int)error : real(file, offset, length); \
    }
POSIX_FALLOCATE(posix_fallocate, off_t)
POSIX_FALLOCATE(posix_fallocate64, off64_t)

/* A full disk still opens what is there; a read-only one opens nothing to be written. */
static int64_t open_error(const char *path, int flags) {
    if (!is_path_meant(path)) return 0;
    int64_t error = word(CHANGE_ERROR);
    int is_new = (flags & O_CREAT) && access(path, F_OK) != 0;
    int is_written = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
    return is_new || (is_written && error == EROFS) ? error : 0;
}

#define MODE(flags, mode) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        MODE(flags, mode) \
        int64_t error = open_error(path, flags); \
        return error ? inject(error) : real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(int, #name, int, const char *, int, ...); \
        MODE(flags, mode) \
        int64_t error = open_error(path, flags); \
        return error ? inject(error) : real(folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    int64_t error = change_error(is_path_meant(to));
    return error ? inject(error) : real(from, to);
}

/* A full disk lets files go. */
int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    int64_t error = change_error(is_path_meant(path));
    return error == EROFS ? inject(error) : real(path);
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    int64_t error = change_error(is_path_meant(path));
    return error ? inject(error) : real(path, mode);
}

/* The wall clock, this many nanoseconds off; what only ever goes forward stays as it is. */
static int64_t offset(void) { return control ? word(CLOCK_OFFSET) : 0; }

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(int, "clock_gettime", clockid_t, struct timespec *);
    int done = real(clock, now);
    if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) && offset()) {
        int64_t nanoseconds = now->tv_sec * 1000000000LL + now->tv_nsec + offset();
        now->tv_sec = nanoseconds / 1000000000LL;
        now->tv_nsec = nanoseconds % 1000000000LL;
    }
    return done;
}

int gettimeofday(struct timeval *now, void *zone) {
    (void)zone;
    struct timespec precise;
    int done = clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return done;
}

time_t time(time_t *kept) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (kept) *kept = precise.tv_sec;
    return precise.tv_sec;
}
