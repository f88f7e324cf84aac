// Functions of the C library that allocate, counted. A program that links this file calls these, and so do the shared
// libraries that it loads: the dynamic linker finds the program's first. The library's own remain under other names.

#define _GNU_SOURCE

#include "lockstep_allocation_count.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#ifdef __GLIBC__

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

static _Atomic long of_process;
static _Thread_local long of_thread;

static void note(void) {
  atomic_fetch_add_explicit(&of_process, 1, memory_order_relaxed);
  ++of_thread;
}

long lockstep_process_allocations(void) { return atomic_load(&of_process); }
long lockstep_thread_allocations(void) { return of_thread; }

void *malloc(size_t bytes) {
  note();
  return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t bytes) {
  note();
  return __libc_calloc(number, bytes);
}

void *realloc(void *memory, size_t bytes) {
  note();
  return __libc_realloc(memory, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
  note();
  return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  void *new = memalign(alignment, bytes);
  if (new == NULL) return ENOMEM;
  *memory = new;
  return 0;
}

#else

long lockstep_process_allocations(void) { return -1; }
long lockstep_thread_allocations(void) { return -1; }

#endif
