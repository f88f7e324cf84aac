// How much is allocated: for tests that a call allocates nothing.
#ifndef LOCKSTEP_ALLOCATION_COUNT_H
#define LOCKSTEP_ALLOCATION_COUNT_H

/// How often the calling thread has asked for memory; -1 where this system gives no way to count.
long lockstep_thread_allocations(void);

/// How often the process has, on any thread; -1 where this system gives no way to count.
long lockstep_process_allocations(void);

#endif
