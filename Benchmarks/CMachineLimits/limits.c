// Runs the loops of loops.inc.h on threads, all at the same time, and counts.

#include "lockstep_limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/// Bytes that the reading loops take at least: eight vectors of the widest.
enum { READ_STEP = 512 };

typedef struct {
  /// Each does its multiply-adds and returns how many operations they were.
  double (*multiply_adds_f32)(long rounds);
  double (*multiply_adds_f64)(long rounds);
  void (*reads)(const char *memory, size_t bytes);
} loops;

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define REGISTERS avx2
#define REGISTER_BYTES 32
#define CHAINS 12
#define IN_REGISTER "x"
#include "loops.inc.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx2,fma"))), apply_to = function)
#define REGISTERS avx512
#define REGISTER_BYTES 64
#define CHAINS 24
#define IN_REGISTER "v"
#include "loops.inc.h"
#pragma clang attribute pop

#elif defined(__aarch64__)

#define REGISTERS neon
#define REGISTER_BYTES 16
#define CHAINS 24
#define IN_REGISTER "w"
#include "loops.inc.h"

#endif

static const loops *loops_for(lockstep_limit_registers registers) {
  switch (registers) {
#if defined(__x86_64__)
    case LOCKSTEP_LIMIT_AVX2: return &lockstep_limit_loops_avx2;
    case LOCKSTEP_LIMIT_AVX512: return &lockstep_limit_loops_avx512;
#elif defined(__aarch64__)
    case LOCKSTEP_LIMIT_NEON: return &lockstep_limit_loops_neon;
#endif
    default: return NULL;
  }
}

static double seconds_of(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

double lockstep_limit_thread_seconds(void) { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }

double lockstep_limit_seconds(void) { return seconds_of(CLOCK_MONOTONIC); }

long lockstep_limit_preemptions(void) {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_nivcsw : 0;
}

enum { MOST_WINDOWS = 64 };

/// What the threads of a measurement share.
typedef struct {
  const loops *loops;
  bool is_double;
  /// 0 where multiply-adds are counted.
  size_t bytes;
  int threads;
  lockstep_limit_timing timing;
  atomic_int ready;
  atomic_bool failed;
} measurement;

/// One thread of it, and what it reached in each window.
typedef struct {
  measurement *shared;
  pthread_t thread;
  double rates[MOST_WINDOWS];
} worker;

/// Work that takes some microseconds; returns how much it was.
static double work(const measurement *shared, const char *memory) {
  if (shared->bytes == 0) {
    return (shared->is_double ? shared->loops->multiply_adds_f64 : shared->loops->multiply_adds_f32)(4000);
  }
  double done = 0;
  do {
    shared->loops->reads(memory, shared->bytes);
    done += (double)shared->bytes;
  } while (done < 1 << 20);
  return done;
}

static void *run(void *argument) {
  worker *self = argument;
  measurement *shared = self->shared;
  const clockid_t clock = shared->timing.cpu_time ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
  void *memory = NULL;
  if (shared->bytes > 0) {
    if (posix_memalign(&memory, 4096, shared->bytes) == 0) {
      memset(memory, 1, shared->bytes);
    } else {
      memory = NULL;
      atomic_store(&shared->failed, true);
    }
  }
  atomic_fetch_add(&shared->ready, 1);
  while (atomic_load(&shared->ready) < shared->threads && !atomic_load(&shared->failed)) {}
  if (!atomic_load(&shared->failed)) {
    work(shared, memory);
    for (int window = 0; window < shared->timing.windows; ++window) {
      const double start = seconds_of(clock);
      double done = 0, elapsed;
      do {
        done += work(shared, memory);
        elapsed = seconds_of(clock) - start;
      } while (elapsed < shared->timing.window_seconds);
      self->rates[window] = done / elapsed;
    }
  }
  free(memory);
  return NULL;
}

static double measure(measurement *shared) {
  if (shared->loops == NULL || shared->threads < 1) return 0;
  if (shared->timing.windows > MOST_WINDOWS) shared->timing.windows = MOST_WINDOWS;
  worker *workers = calloc((size_t)shared->threads, sizeof(worker));
  if (workers == NULL) return 0;
  int started = 0;
  for (int i = 0; i < shared->threads; ++i) workers[i].shared = shared;
  for (int i = 1; i < shared->threads; ++i) {
    if (pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0) {
      atomic_store(&shared->failed, true);
      break;
    }
    started = i;
  }
  run(&workers[0]);
  for (int i = 1; i <= started; ++i) pthread_join(workers[i].thread, NULL);

  double best = 0;
  for (int window = 0; window < shared->timing.windows && !atomic_load(&shared->failed); ++window) {
    double rate = 0;
    for (int i = 0; i < shared->threads; ++i) rate += workers[i].rates[window];
    if (rate > best) best = rate;
  }
  free(workers);
  return best;
}

double lockstep_limit_multiply_adds(lockstep_limit_registers registers, bool is_double, int threads,
                                    lockstep_limit_timing timing) {
  measurement shared = {
      .loops = loops_for(registers), .is_double = is_double, .threads = threads, .timing = timing};
  return measure(&shared);
}

double lockstep_limit_reads(lockstep_limit_registers registers, size_t bytes, int threads,
                            lockstep_limit_timing timing) {
  bytes = bytes < READ_STEP ? READ_STEP : bytes / READ_STEP * READ_STEP;
  measurement shared = {.loops = loops_for(registers), .bytes = bytes, .threads = threads, .timing = timing};
  return measure(&shared);
}
