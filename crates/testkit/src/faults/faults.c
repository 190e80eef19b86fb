/* Faults below a process: loaded before the C library (LD_PRELOAD), it lets calls on files fail the way a disk does.
 *
 * FAULTS_CONTROL names a file of 64-bit words, shared with the test, which writes the wishes and reads the counts;
 * FAULTS_BELOW names the folder whose files are meant. Everything else passes untouched. FAULTS_JOURNAL names a file that
 * is told every write and every sync, so that a power cut can take back what no sync has made sure of. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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
static int journal = -1;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

/* An entry of the journal: this, what is written, and what was there before. */
struct entry {
    int64_t kind, offset, size, new_length, old_length;
    char path[216];
};
enum { WRITE = 1, TRUNCATE, SYNC, FAILED_SYNC };

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
    if (getenv("FAULTS_JOURNAL")) journal = real(getenv("FAULTS_JOURNAL"), O_WRONLY | O_APPEND | O_CLOEXEC);
    control = words;
}

static int64_t word(int at) { return __atomic_load_n(&control[at], __ATOMIC_SEQ_CST); }

static int64_t add(int at, int64_t by) { return __atomic_fetch_add(&control[at], by, __ATOMIC_SEQ_CST); }

static int is_path_meant(const char *path) { return control && path && strncmp(path, below, below_length) == 0; }

static void path_of(int file, char *path, size_t most) {
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, most - 1);
    path[length < 0 ? 0 : length] = 0;
}

static int is_meant(int file) {
    if (!control) return 0;
    char path[4096];
    path_of(file, path, sizeof path);
    return is_path_meant(path);
}

/* Whether what happens to the file belongs in the journal. SQLite makes its shared memory anew after a crash. */
static int is_kept(int file) {
    if (journal < 0) return 0;
    char path[4096];
    path_of(file, path, sizeof path);
    size_t length = strlen(path);
    return is_path_meant(path) && !(length > 4 && strcmp(path + length - 4, "-shm") == 0);
}

/* Tells the journal what is about to happen, or has, to a file. Nobody writes in between: `order` is held. */
static void keep(int file, int kind, const void *bytes, size_t length, int64_t offset) {
    static ssize_t (*writing)(int, const void *, size_t);
    static ssize_t (*reading)(int, void *, size_t, off64_t);
    if (!writing) writing = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (!reading) reading = (ssize_t (*)(int, void *, size_t, off64_t))dlsym(RTLD_NEXT, "pread64");
    struct entry entry = {.kind = kind, .offset = offset, .new_length = kind == WRITE ? (int64_t)length : 0};
    path_of(file, entry.path, sizeof entry.path);
    struct stat found;
    if (fstat(file, &found)) abort();
    entry.size = found.st_size;
    int64_t old = kind == WRITE ? (int64_t)length : kind == TRUNCATE ? found.st_size - offset : 0;
    char *whole = malloc(sizeof entry + length + (old > 0 ? old : 0));
    if (!whole) abort();
    if (old > 0) {
        char *before = whole + sizeof entry + entry.new_length;
        ssize_t got = reading(file, before, old, offset);
        if (got < 0) {
            /* Opened to be written only. Never open SQLite's files once more: closing that would drop its locks. */
            REAL(int, "open", const char *, int, ...);
            int reader = real(entry.path, O_RDONLY | O_CLOEXEC);
            got = reader < 0 ? -1 : reading(reader, before, old, offset);
            if (reader >= 0) close(reader);
        }
        entry.old_length = got > 0 ? got : 0;
    }
    memcpy(whole, &entry, sizeof entry);
    if (entry.new_length) memcpy(whole + sizeof entry, bytes, length);
    size_t all = sizeof entry + entry.new_length + entry.old_length;
    if (writing(journal, whole, all) != (ssize_t)all) abort();
    free(whole);
}

/* Does it with the journal told before. */
#define KEPT(type, file, kind, bytes, length, offset, call) \
    int kept = is_kept(file); \
    if (kept) { \
        pthread_mutex_lock(&order); \
        keep(file, kind, bytes, length, offset); \
    } \
    type done = call; \
    if (kept) pthread_mutex_unlock(&order); \
    return done

/* Does a sync with the journal told afterwards. A process that dies in between was promised nothing. */
#define SYNCED(call) \
    int64_t error = sync_error(file); \
    int kept = is_kept(file); \
    if (kept) pthread_mutex_lock(&order); \
    int done = error ? inject(error) : call; \
    int told = errno; \
    if (kept) { \
        keep(file, done ? FAILED_SYNC : SYNC, NULL, 0, 0); \
        pthread_mutex_unlock(&order); \
    } \
    errno = told; \
    return done

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

/* Whether something other than a write must fail: making, growing, renaming or removing a file. A disk that is filling up
 * does so until it is full. */
static int64_t change_error(int meant) {
    if (!meant || (word(CHANGE_ERROR) == ENOSPC && word(WRITE_LEFT) > 0)) return 0;
    return word(CHANGE_ERROR);
}

int fsync(int file) {
    REAL(int, "fsync", int);
    SYNCED(real(file));
}

int fdatasync(int file) {
    REAL(int, "fdatasync", int);
    SYNCED(real(file));
}

ssize_t write(int file, const void *bytes, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    ssize_t may = room(file, length, -1);
    if (may < 0) return inject(word(WRITE_ERROR));
    KEPT(ssize_t, file, WRITE, bytes, (size_t)may, position(file), real(file, bytes, (size_t)may));
}

#define PWRITE(name, offset_type) \
    ssize_t name(int file, const void *bytes, size_t length, offset_type offset) { \
        REAL(ssize_t, #name, int, const void *, size_t, offset_type); \
        ssize_t may = room(file, length, offset); \
        if (may < 0) return inject(word(WRITE_ERROR)); \
        KEPT(ssize_t, file, WRITE, bytes, (size_t)may, offset, real(file, bytes, (size_t)may, offset)); \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

static size_t total(const struct iovec *pieces, int count) {
    size_t length = 0;
    for (int at = 0; at < count; at++) length += pieces[at].iov_len;
    return length;
}

/* A vector that does not fit fails whole: short writes are shown by the others. The journal knows none, and so nobody may
 * write them where it is kept. */
ssize_t writev(int file, const struct iovec *pieces, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    size_t length = total(pieces, count);
    if (is_kept(file)) abort();
    return room(file, length, -1) < (ssize_t)length ? inject(word(WRITE_ERROR)) : real(file, pieces, count);
}

#define PWRITEV(name, offset_type) \
    ssize_t name(int file, const struct iovec *pieces, int count, offset_type offset) { \
        REAL(ssize_t, #name, int, const struct iovec *, int, offset_type); \
        size_t length = total(pieces, count); \
        if (is_kept(file)) abort(); \
        return room(file, length, offset) < (ssize_t)length ? inject(word(WRITE_ERROR)) : real(file, pieces, count, offset); \
    }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

#define FTRUNCATE(name, offset_type) \
    int name(int file, offset_type length) { \
        REAL(int, #name, int, offset_type); \
        int64_t error = change_error(is_meant(file)); \
        if (error) return inject(error); \
        KEPT(int, file, TRUNCATE, NULL, 0, length, real(file, length)); \
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
    int64_t error = change_error(is_path_meant(path));
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
