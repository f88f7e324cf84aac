// All of OpenMP. A function that the compiler outlines from a parallel region is compiled for any CPU, whatever
// target the function around it has: so the region lies here, apart from the kernels, and only calls them.

#include "lockstep_kernels.h"

#ifdef LOCKSTEP_OPENMP

#include <ctype.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>

// Declared here, as the header lies off the search path where only the run-time library is installed.
extern int omp_get_max_threads(void);

int lockstep_openmp_version(void) { return _OPENMP; }

/// Whether OMP_NUM_THREADS is unset, or one positive number or several between commas. The run-time library may end the
/// process at its first call over anything else, so it is not called then.
static bool is_clear_about_threads(void) {
  const char *text = getenv("OMP_NUM_THREADS");
  if (text == NULL) return true;
  for (;;) {
    char *end;
    const long number = isdigit((unsigned char)*text) ? strtol(text, &end, 10) : 0;
    if (number < 1 || number > INT_MAX) return false;
    if (*end == '\0') return true;
    if (*end != ',') return false;
    text = end + 1;
  }
}

int lockstep_default_threads(void) { return is_clear_about_threads() ? omp_get_max_threads() : 1; }

static pthread_once_t once = PTHREAD_ONCE_INIT;
/// The run-time library does not start again in a process that forks off this one.
static bool ends_at_fork = false;
/// True in such a process: a region of several threads would wait for threads that are not there. True, too, where the
/// run-time library had better not be called at all.
static bool is_stranded = false;

static void strand(void) { is_stranded = is_stranded || ends_at_fork; }

/// Runs before the first region of several threads. The library reads the same variable at that time; scikit-learn sets it
/// to FALSE.
static void watch_forks(void) {
  static const char *const negative[] = {"0", "f", "false", ".false.", "n", "no", "off", "disabled"};
  const char *value = getenv("KMP_INIT_AT_FORK");
  for (size_t i = 0; value != NULL && i < sizeof negative / sizeof negative[0]; ++i) {
    if (strcasecmp(value, negative[i]) == 0) ends_at_fork = true;
  }
  if (!is_clear_about_threads()) is_stranded = true;
  pthread_atfork(NULL, NULL, strand);
}

/// Room on the stack to tell which shares of a region have been taken.
enum { MOST_SHARES = 1024 };

/// The indices of a region in shares of neighbours, about one for each thread.
typedef struct {
  ptrdiff_t count;
  int shares;
  void (*body)(void *context, ptrdiff_t index);
  void *context;
  _Atomic bool *taken;
} shared_work;

/// What a thread of a region does: it takes the share that it had in the region before, which its caches may still hold,
/// and whatever others have not begun.
static void take_shares(const shared_work *work) {
  static _Thread_local int seat = 0;
  const int first = seat < work->shares ? seat : 0;
  bool is_seated = false;
  for (int i = 0; i < work->shares; ++i) {
    const int share = first + i < work->shares ? first + i : first + i - work->shares;
    // Read first: a write that changes nothing would still take the line away from all other threads.
    if (atomic_load_explicit(&work->taken[share], memory_order_relaxed) ||
        atomic_exchange_explicit(&work->taken[share], true, memory_order_relaxed)) {
      continue;
    }
    if (!is_seated) seat = share;
    is_seated = true;
    const ptrdiff_t least = work->count / work->shares, larger = work->count % work->shares;
    const ptrdiff_t start = share * least + (share < larger ? share : larger);
    const ptrdiff_t end = start + least + (share < larger);
    for (ptrdiff_t index = start; index < end; ++index) work->body(work->context, index);
  }
}

// The region uses what the compiler makes calls of its own run-time library from, and no function of OpenMP by name: where
// a host program brings another run-time library, that one would answer for threads that are not its own. Nor does it leave
// the loop to OpenMP: where the library checks itself, as Debian's does, each thread would allocate and format two strings.
// A function with a region calls that library as soon as it begins, so this one holds nothing else.
static __attribute__((noinline)) void run_region(const shared_work *work, int threads) {
#pragma omp parallel num_threads(threads)
  take_shares(work);
}

static void share_out(ptrdiff_t count, int threads, void (*body)(void *context, ptrdiff_t index), void *context) {
  _Atomic bool taken[MOST_SHARES];
  const int shares = threads < MOST_SHARES ? threads : MOST_SHARES;
  for (int share = 0; share < shares; ++share) atomic_init(&taken[share], false);
  const shared_work work = {count, shares, body, context, taken};
  run_region(&work, threads);
}

void lockstep_parallel_for(ptrdiff_t count, int threads, void (*body)(void *context, ptrdiff_t index), void *context) {
  const int most = count < threads ? (int)count : threads;
  if (most > 1) pthread_once(&once, watch_forks);
  if (most > 1 && !is_stranded) return share_out(count, most, body, context);
  for (ptrdiff_t index = 0; index < count; ++index) body(context, index);
}

#else

int lockstep_openmp_version(void) { return 0; }

int lockstep_default_threads(void) { return 1; }

void lockstep_parallel_for(ptrdiff_t count, int threads, void (*body)(void *context, ptrdiff_t index), void *context) {
  (void)threads;
  for (ptrdiff_t index = 0; index < count; ++index) body(context, index);
}

#endif
