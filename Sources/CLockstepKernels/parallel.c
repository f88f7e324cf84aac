// All of OpenMP. A function that the compiler outlines from a parallel region is compiled for any CPU, whatever
// target the function around it has: so the region lies here, apart from the kernels, and only calls them.

#include "lockstep_kernels.h"

#ifdef LOCKSTEP_OPENMP

#include <ctype.h>
#include <limits.h>
#include <pthread.h>
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

// The region uses what the compiler makes calls of its own run-time library from, and no function of OpenMP by name: where
// a host program brings another run-time library, that one would answer for threads that are not its own.
// A function with a region calls that library as soon as it begins, so this one holds nothing else.
static __attribute__((noinline)) void run_region(ptrdiff_t count, int threads,
                                                 void (*body)(void *context, ptrdiff_t index), void *context) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (ptrdiff_t index = 0; index < count; ++index) body(context, index);
}

void lockstep_parallel_for(ptrdiff_t count, int threads, void (*body)(void *context, ptrdiff_t index), void *context) {
  const int most = count < threads ? (int)count : threads;
  if (most > 1) pthread_once(&once, watch_forks);
  if (most > 1 && !is_stranded) return run_region(count, most, body, context);
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
