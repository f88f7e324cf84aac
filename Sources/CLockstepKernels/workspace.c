// Memory for packed panels and pending sums. Each thread keeps what it got, so that no call but the first pays for
// fresh pages.

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel_table.h"

/// What a vector and a cache line are aligned to.
enum { ALIGNMENT = 64 };

typedef struct {
  size_t bytes;
  void *memory;
} workspace;

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/// What the calling thread has. The key only frees it when the thread ends: looking it up there would take longer than
/// a small product.
static _Thread_local workspace *all = NULL;

static void release(void *value) {
  workspace *own = value;
  for (int use = 0; use < LOCKSTEP_WORKSPACES; ++use) free(own[use].memory);
  free(own);
  // The destructor of another key may still call a kernel on this thread.
  all = NULL;
}

static _Noreturn void end_without_thread_data(void) {
  fputs("lockstep: no thread-specific data left\n", stderr);
  abort();
}

static void make_key(void) {
  if (pthread_key_create(&key, release) != 0) end_without_thread_data();
}

/// Memory aligned for vectors, to be freed.
static void *allocate(size_t bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, ALIGNMENT, bytes == 0 ? ALIGNMENT : bytes) != 0) {
    fprintf(stderr, "lockstep: out of memory: %zu bytes of workspace\n", bytes);
    abort();
  }
  return memory;
}

void *lockstep_workspace(lockstep_workspace_use use, size_t bytes) {
  if (all == NULL) {
    pthread_once(&once, make_key);
    all = allocate(LOCKSTEP_WORKSPACES * sizeof *all);
    for (int i = 0; i < LOCKSTEP_WORKSPACES; ++i) all[i] = (workspace){0, NULL};
    if (pthread_setspecific(key, all) != 0) end_without_thread_data();
  }
  workspace *own = &all[use];
  if (own->bytes < bytes) {
    free(own->memory);
    own->memory = allocate(bytes);
    own->bytes = bytes;
  }
  return own->memory;
}
