// The lock of networks. A thread that held it when its process forked is not there in the child, where it would never give it
// back: so a lock remembers how many forks lie behind it, and is made anew where that has changed.

#include "lockstep_lock.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

/// In place of a number of forks: a thread makes the lock anew.
enum { RENEWING = -1 };

struct lockstep_lock {
  pthread_rwlock_t lock;
  /// How many forks lay behind the process when the lock was made.
  _Atomic int forks;
};

static _Atomic int forks = 0;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void count_fork(void) { atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed); }

static void watch_forks(void) { pthread_atfork(NULL, NULL, count_fork); }

lockstep_lock *lockstep_lock_make(void) {
  pthread_once(&once, watch_forks);
  lockstep_lock *lock = malloc(sizeof *lock);
  if (lock == NULL) return NULL;
  pthread_rwlock_init(&lock->lock, NULL);
  atomic_init(&lock->forks, atomic_load_explicit(&forks, memory_order_relaxed));
  return lock;
}

void lockstep_lock_free(lockstep_lock *lock) {
  // Never destroyed where threads that are no more hold it: the C library's lock owns nothing but its own bytes.
  free(lock);
}

static void renew(lockstep_lock *lock, int now) {
  int known = atomic_load_explicit(&lock->forks, memory_order_acquire);
  while (known != now) {
    if (known == RENEWING) {
      sched_yield();
      known = atomic_load_explicit(&lock->forks, memory_order_acquire);
    } else if (atomic_compare_exchange_weak_explicit(&lock->forks, &known, RENEWING, memory_order_acquire,
                                                     memory_order_acquire)) {
      pthread_rwlock_init(&lock->lock, NULL);
      atomic_store_explicit(&lock->forks, now, memory_order_release);
      return;
    }
  }
}

static inline pthread_rwlock_t *current(lockstep_lock *lock) {
  const int now = atomic_load_explicit(&forks, memory_order_relaxed);
  if (atomic_load_explicit(&lock->forks, memory_order_acquire) != now) renew(lock, now);
  return &lock->lock;
}

void lockstep_lock_to_read(lockstep_lock *lock) { pthread_rwlock_rdlock(current(lock)); }

void lockstep_lock_to_write(lockstep_lock *lock) { pthread_rwlock_wrlock(current(lock)); }

void lockstep_unlock(lockstep_lock *lock) { pthread_rwlock_unlock(&lock->lock); }
