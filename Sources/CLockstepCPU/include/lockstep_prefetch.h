// A hint that memory will be read soon: Swift has none of its own. Inlined where it is used, so compiled for the CPU of
// the kernels.
#ifndef LOCKSTEP_PREFETCH_H
#define LOCKSTEP_PREFETCH_H

/// Asks for the cache line at `address` in all caches; any address may be given.
static inline void lockstep_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

/// Asks for the cache line at `address` in the second-level cache.
static inline void lockstep_prefetch_far(const void *address) { __builtin_prefetch(address, 0, 2); }

#endif
