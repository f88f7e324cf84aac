// What a CPU can do at most: multiply-adds that touch no memory, and reads that compute nothing.
#ifndef LOCKSTEP_LIMITS_H
#define LOCKSTEP_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

/// The registers that are used.
typedef enum {
  LOCKSTEP_LIMIT_AVX2,
  LOCKSTEP_LIMIT_AVX512,
  LOCKSTEP_LIMIT_NEON,
} lockstep_limit_registers;

/// How long, how often and by what clock is measured. The best of the windows counts: what disturbs only slows.
typedef struct {
  double window_seconds;
  int windows;
  /// The time that each thread was running, not the time that passed.
  bool cpu_time;
} lockstep_limit_timing;

/// Floating-point operations per second, two for each fused multiply-add, on `threads` threads together.
///
/// The CPU must have the registers. 0 for registers that this architecture lacks, or where no thread could be started.
double lockstep_limit_multiply_adds(lockstep_limit_registers registers, bool is_double, int threads,
                                    lockstep_limit_timing timing);

/// Bytes per second that `threads` threads together read, each from `bytes` bytes of its own, again and again.
///
/// The CPU must have the registers. 0 for registers that this architecture lacks, or where memory or threads ran out.
double lockstep_limit_reads(lockstep_limit_registers registers, size_t bytes, int threads,
                            lockstep_limit_timing timing);

/// Seconds of processor time that the calling thread has used.
double lockstep_limit_thread_seconds(void);

/// Seconds since some fixed moment.
double lockstep_limit_seconds(void);

/// How often the system has taken a processor away from this process.
long lockstep_limit_preemptions(void);

#endif
