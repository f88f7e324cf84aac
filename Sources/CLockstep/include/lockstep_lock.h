// A lock for readers and a writer that a forked process finds free. Not installed.
#ifndef LOCKSTEP_LOCK_H
#define LOCKSTEP_LOCK_H

/// A lock that many threads may hold to read, or one to write.
typedef struct lockstep_lock lockstep_lock;

/// A free lock; NULL where there is no memory for it.
lockstep_lock *lockstep_lock_make(void);

/// Frees a lock that nobody holds.
void lockstep_lock_free(lockstep_lock *lock);

/// Waits until no thread of this process writes.
void lockstep_lock_to_read(lockstep_lock *lock);

/// Waits until no other thread of this process reads or writes.
void lockstep_lock_to_write(lockstep_lock *lock);

/// Gives back what the calling thread holds.
void lockstep_unlock(lockstep_lock *lock);

#endif
