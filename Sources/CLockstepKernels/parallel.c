// All of OpenMP. A function that the compiler outlines from a parallel region is compiled for any CPU, whatever
// target the function around it has: so the region lies here, apart from the kernels, and only calls them.

#include "lockstep_kernels.h"

#ifdef LOCKSTEP_OPENMP

// Declared here, as the header lies off the search path where only the run-time library is installed.
extern int omp_get_thread_num(void);
extern int omp_get_num_threads(void);
extern int omp_in_parallel(void);

int lockstep_openmp_version(void) { return _OPENMP; }

void lockstep_parallel_for(ptrdiff_t count, int threads, void (*body)(void *context, ptrdiff_t index), void *context) {
  const int most = count < threads ? (int)count : threads;
  if (most > 1 && !omp_in_parallel()) {
#pragma omp parallel num_threads(most)
    {
      // The team may be smaller than asked for.
      const ptrdiff_t thread = omp_get_thread_num(), team = omp_get_num_threads();
      const ptrdiff_t end = count * (thread + 1) / team;
      for (ptrdiff_t index = count * thread / team; index < end; ++index) body(context, index);
    }
    return;
  }
  for (ptrdiff_t index = 0; index < count; ++index) body(context, index);
}

#else

int lockstep_openmp_version(void) { return 0; }

void lockstep_parallel_for(ptrdiff_t count, int threads, void (*body)(void *context, ptrdiff_t index), void *context) {
  (void)threads;
  for (ptrdiff_t index = 0; index < count; ++index) body(context, index);
}

#endif
