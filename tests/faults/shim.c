/* Faults below one folder: loaded with LD_PRELOAD, armed by `arm` in each child after its fork.
 *
 * The n-th call on a file below the root fails, is cut short, kills the process before, within or after it, is done but told as failed, or
 * makes the clock jump. What happened is noted in memory that the parent shares. It can also play another machine: other boot id, and
 * locks of which this machine knows nothing; or a file system without locks.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WRITE, OPEN, CREATE, RENAME, SYNC, TRUNCATE, MAP, READ, UNLINK, FOLDER, LOOK, LIST, LOCK, OPERATIONS };
enum { NONE, FULL, FAIL, QUOTA, STALE, SHORT, KILL_BEFORE, KILL_WITHIN, KILL_AFTER, CLOCK, DONE_BUT_FAILED, NO_MEMORY, NO_LOCKS, KINDS };
enum { LOCKS_WORK, LOCKS_ARE_MISSING, LOCKS_ARE_LOCAL };

static const int code_of[KINDS] = {[FULL] = ENOSPC, [FAIL] = EIO, [QUOTA] = EDQUOT, [STALE] = ESTALE, [DONE_BUT_FAILED] = EIO,
                                   [NO_MEMORY] = ENOMEM, [NO_LOCKS] = ENOLCK};
static const unsigned char possible[OPERATIONS][10] = {
    [WRITE] = {FULL, FAIL, QUOTA, STALE, SHORT, KILL_BEFORE, KILL_WITHIN, KILL_AFTER, CLOCK},
    [OPEN] = {FAIL, STALE, KILL_BEFORE, KILL_AFTER, CLOCK},
    [CREATE] = {FULL, FAIL, QUOTA, STALE, KILL_BEFORE, KILL_AFTER, CLOCK},
    [RENAME] = {FULL, FAIL, STALE, KILL_BEFORE, KILL_AFTER, CLOCK, DONE_BUT_FAILED},
    [SYNC] = {FULL, FAIL, QUOTA, STALE, KILL_BEFORE, KILL_AFTER, CLOCK},
    [TRUNCATE] = {FULL, FAIL, KILL_BEFORE, KILL_AFTER},
    [MAP] = {FAIL, NO_MEMORY, KILL_BEFORE, KILL_AFTER, CLOCK},
    [READ] = {FAIL, STALE, SHORT, KILL_BEFORE, KILL_AFTER, CLOCK},
    [UNLINK] = {FAIL, STALE, KILL_BEFORE, KILL_AFTER, CLOCK, DONE_BUT_FAILED},
    [FOLDER] = {FULL, FAIL, QUOTA, KILL_BEFORE, KILL_AFTER, CLOCK, DONE_BUT_FAILED},
    [LOOK] = {FAIL, STALE, KILL_BEFORE, CLOCK},
    [LIST] = {FAIL, STALE, KILL_BEFORE, CLOCK},
    [LOCK] = {NO_LOCKS, FAIL, KILL_BEFORE, KILL_AFTER, CLOCK},
};

struct notes { /* one a child; `Notes` in storm.py */
    int32_t calls[OPERATIONS];
    int32_t faults;
    unsigned char events[64][2];
};

static char root[4096], boot[4096];
static size_t root_length;
static unsigned char ours[65536]; /* descriptors of files below the root */
static struct notes *notes;
static uint64_t dice;
static int left, gap, countdown, lasting, lasts, locks, only_changes;
static long jump;

void *setup(const char *folder, int children) {
    root_length = strlen(strcpy(root, folder));
    return mmap(NULL, sizeof(struct notes) * children, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static uint64_t roll(uint64_t sides) {
    dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
    return (dice >> 11) % sides;
}

void arm(struct notes *mine, uint64_t seed, int faults, int apart, int changes, int disk_stays_full, int kind_of_locks, const char *boot_file) {
    notes = mine, dice = seed * 0x9E3779B97F4A7C15u + 1, left = faults, gap = apart, only_changes = changes, lasts = disk_stays_full, locks = kind_of_locks;
    strcpy(boot, boot_file);
    countdown = 1 + (int)roll(gap);
}

static void die(void) {
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) pause();
}

static int decide(int operation) {
    if (!notes) return NONE;
    notes->calls[operation]++;
    if (lasting && (operation == WRITE || operation == CREATE || operation == FOLDER)) return lasting;
    int changes = (1 << operation) & (1 << WRITE | 1 << CREATE | 1 << RENAME | 1 << SYNC | 1 << TRUNCATE | 1 << UNLINK | 1 << FOLDER);
    if ((only_changes && !changes) || left <= 0 || --countdown > 0) return NONE;
    int kind = possible[operation][roll(strlen((const char *)possible[operation]))];
    if (kind >= KILL_BEFORE && kind <= KILL_AFTER && roll(2)) kind = possible[operation][0]; /* else most children die of their first */
    left--, countdown = 1 + (int)roll(gap);
    if (lasts && (kind == FULL || kind == QUOTA)) lasting = kind;
    if (kind == CLOCK) jump += ((long)roll(2) * 2 - 1) * (long)(3600 + roll(400 * 86400L));
    if (notes->faults < 64) notes->events[notes->faults][0] = operation, notes->events[notes->faults][1] = kind;
    notes->faults++;
    __sync_synchronize();
    if (kind == KILL_BEFORE) die();
    return kind;
}

static int below(int folder, const char *path) {
    if (path && path[0] != '/') return folder >= 0 && folder < 65536 && ours[folder];
    return root_length && path && !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

static int own(int descriptor) { return notes && descriptor >= 0 && descriptor < 65536 && ours[descriptor]; }

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real; })
#define FAILS(kind) (code_of[kind] && (kind) != DONE_BUT_FAILED)
/* One call that is either done or not. */
#define WHOLE(operation, bad, call)                                       \
    ({                                                                    \
        int kind = decide(operation);                                     \
        __typeof__(call) result = bad;                                    \
        if (FAILS(kind)) errno = code_of[kind];                           \
        else {                                                            \
            result = call;                                                \
            if (kind == KILL_AFTER) die();                                \
            if (kind == DONE_BUT_FAILED) errno = code_of[kind], result = bad; \
        }                                                                 \
        result;                                                           \
    })
#define PARTLY(operation, count, call)                                     \
    ({                                                                     \
        int kind = decide(operation);                                      \
        ssize_t result = -1;                                               \
        size_t size = (kind == SHORT || kind == KILL_WITHIN) && (count) > 1 ? 1 + (size_t)roll((count)-1) : (count); \
        if (FAILS(kind)) errno = code_of[kind];                            \
        else {                                                             \
            result = call;                                                 \
            if (kind == KILL_WITHIN || kind == KILL_AFTER) die();          \
        }                                                                  \
        result;                                                            \
    })

static int opened(int folder, const char *path, int flags, mode_t mode) {
    if (notes && boot[0] && !strcmp(path, "/proc/sys/kernel/random/boot_id")) path = boot;
    int mine = notes && below(folder, path);
    int result = mine ? WHOLE((flags & O_CREAT) ? CREATE : OPEN, -1, REAL(openat)(folder, path, flags, mode))
                      : REAL(openat)(folder, path, flags, mode);
    if (result >= 0 && result < 65536) ours[result] = mine;
    return result;
}

#define MODE(flags) ({ mode_t mode = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } mode; })
int open(const char *path, int flags, ...) { return opened(AT_FDCWD, path, flags, MODE(flags)); }
int open64(const char *path, int flags, ...) { return opened(AT_FDCWD, path, flags, MODE(flags)); }
int openat(int folder, const char *path, int flags, ...) { return opened(folder, path, flags, MODE(flags)); }
int openat64(int folder, const char *path, int flags, ...) { return opened(folder, path, flags, MODE(flags)); }
int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __openat_2(int folder, const char *path, int flags) { return opened(folder, path, flags, 0); }
int __openat64_2(int folder, const char *path, int flags) { return opened(folder, path, flags, 0); }
int close(int file) {
    if (file >= 0 && file < 65536) ours[file] = 0;
    return REAL(close)(file);
}

ssize_t write(int file, const void *from, size_t count) {
    return own(file) ? PARTLY(WRITE, count, REAL(write)(file, from, size)) : REAL(write)(file, from, count);
}
ssize_t pwrite(int file, const void *from, size_t count, off_t place) {
    return own(file) ? PARTLY(WRITE, count, REAL(pwrite)(file, from, size, place)) : REAL(pwrite)(file, from, count, place);
}
ssize_t pwrite64(int file, const void *from, size_t count, off_t place) { return pwrite(file, from, count, place); }
ssize_t writev(int file, const struct iovec *parts, int count) {
    return own(file) ? WHOLE(WRITE, -1, REAL(writev)(file, parts, count)) : REAL(writev)(file, parts, count);
}
ssize_t read(int file, void *into, size_t count) {
    return own(file) ? PARTLY(READ, count, REAL(read)(file, into, size)) : REAL(read)(file, into, count);
}
ssize_t pread(int file, void *into, size_t count, off_t place) {
    return own(file) ? PARTLY(READ, count, REAL(pread)(file, into, size, place)) : REAL(pread)(file, into, count, place);
}
ssize_t pread64(int file, void *into, size_t count, off_t place) { return pread(file, into, count, place); }

/* What a killed process wrote is in the page cache whether or not it waited for the disk: no fault here needs the real flush. */
int fsync(int file) { return own(file) ? WHOLE(SYNC, -1, 0) : REAL(fsync)(file); }
int fdatasync(int file) { return own(file) ? WHOLE(SYNC, -1, 0) : REAL(fdatasync)(file); }
int ftruncate(int file, off_t size) { return own(file) ? WHOLE(TRUNCATE, -1, REAL(ftruncate)(file, size)) : REAL(ftruncate)(file, size); }
int ftruncate64(int file, off_t size) { return ftruncate(file, size); }
void *mmap(void *place, size_t size, int protection, int flags, int file, off_t from) {
    return own(file) ? WHOLE(MAP, MAP_FAILED, REAL(mmap)(place, size, protection, flags, file, from))
                     : REAL(mmap)(place, size, protection, flags, file, from);
}
void *mmap64(void *place, size_t size, int protection, int flags, int file, off_t from) {
    return mmap(place, size, protection, flags, file, from);
}

int renameat(int one, const char *from, int two, const char *to) {
    return below(two, to) ? WHOLE(RENAME, -1, REAL(renameat)(one, from, two, to)) : REAL(renameat)(one, from, two, to);
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }
int unlinkat(int folder, const char *path, int flags) {
    return below(folder, path) ? WHOLE(UNLINK, -1, REAL(unlinkat)(folder, path, flags)) : REAL(unlinkat)(folder, path, flags);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int mkdirat(int folder, const char *path, mode_t mode) {
    return below(folder, path) ? WHOLE(FOLDER, -1, REAL(mkdirat)(folder, path, mode)) : REAL(mkdirat)(folder, path, mode);
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int fstatat(int folder, const char *path, struct stat *found, int flags) {
    return below(folder, path) ? WHOLE(LOOK, -1, REAL(fstatat)(folder, path, found, flags)) : REAL(fstatat)(folder, path, found, flags);
}
int stat(const char *path, struct stat *found) { return fstatat(AT_FDCWD, path, found, 0); }
int lstat(const char *path, struct stat *found) { return fstatat(AT_FDCWD, path, found, AT_SYMLINK_NOFOLLOW); }
int fstatat64(int folder, const char *path, struct stat64 *found, int flags) { return fstatat(folder, path, (struct stat *)found, flags); }
int stat64(const char *path, struct stat64 *found) { return stat(path, (struct stat *)found); }
int lstat64(const char *path, struct stat64 *found) { return lstat(path, (struct stat *)found); }
DIR *opendir(const char *path) { return below(AT_FDCWD, path) ? WHOLE(LIST, NULL, REAL(opendir)(path)) : REAL(opendir)(path); }

int flock(int file, int operation) {
    if (!own(file)) return REAL(flock)(file, operation);
    if (locks == LOCKS_ARE_MISSING) return errno = ENOLCK, -1;
    return WHOLE(LOCK, -1, locks == LOCKS_ARE_LOCAL ? 0 : REAL(flock)(file, operation));
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = REAL(clock_gettime)(clock, now);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += jump;
    return result;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int result = REAL(gettimeofday)(now, zone);
    if (!result) now->tv_sec += jump;
    return result;
}
time_t time(time_t *into) {
    time_t now = REAL(time)(NULL) + jump;
    if (into) *into = now;
    return now;
}
