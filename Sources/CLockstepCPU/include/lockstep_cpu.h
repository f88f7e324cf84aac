// What the CPU can do. This target is compiled for any CPU, so it may be asked before a kernel runs.
#ifndef LOCKSTEP_CPU_H
#define LOCKSTEP_CPU_H

#include <stdbool.h>

/// The name of the first feature of the minimum CPU (x86-64-v3, or any arm64) that this CPU lacks, or NULL when it has
/// them all. The string is static.
const char *lockstep_cpu_missing_feature(void);

/// True where the AVX-512 kernels may run: foundation, byte and word, doubleword and quadword, and vector-length parts.
bool lockstep_cpu_supports_avx512(void);

/// The number of named features that this file knows on this architecture.
int lockstep_cpu_feature_count(void);

/// The name of feature `index` as Linux spells it, in the order of `lockstep_cpu_feature_count`.
const char *lockstep_cpu_feature_name(int index);

/// True where this CPU and its operating system have feature `index`.
bool lockstep_cpu_has_feature(int index);

#endif
