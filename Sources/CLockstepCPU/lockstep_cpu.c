// CPU features, through the compiler's own detection (which asks the operating system for wide registers, too).

#include "lockstep_cpu.h"

#include <stddef.h>

#if defined(__x86_64__)

// X(name as in /proc/cpuinfo, name as __builtin_cpu_supports takes it, needed by the minimum CPU, needed by AVX-512)
// The minimum is x86-64-v3 of the x86-64 psABI; "movbe" and "f16c" come with every CPU that has AVX2.
#define FEATURES(X)            \
  X("ssse3", "ssse3", 1, 0)    \
  X("sse4_1", "sse4.1", 1, 0)  \
  X("sse4_2", "sse4.2", 1, 0)  \
  X("popcnt", "popcnt", 1, 0)  \
  X("avx", "avx", 1, 0)        \
  X("avx2", "avx2", 1, 0)      \
  X("fma", "fma", 1, 0)        \
  X("bmi1", "bmi", 1, 0)       \
  X("bmi2", "bmi2", 1, 0)      \
  X("lzcnt", "lzcnt", 1, 0)    \
  X("avx512f", "avx512f", 0, 1)   \
  X("avx512bw", "avx512bw", 0, 1) \
  X("avx512cd", "avx512cd", 0, 1) \
  X("avx512dq", "avx512dq", 0, 1) \
  X("avx512vl", "avx512vl", 0, 1)

#define COUNT(name, builtin, minimum, wide) +1
int lockstep_cpu_feature_count(void) { return 0 FEATURES(COUNT); }

const char *lockstep_cpu_feature_name(int index) {
#define NAME(name, builtin, minimum, wide) name,
  static const char *const names[] = {FEATURES(NAME)};
  return index >= 0 && index < lockstep_cpu_feature_count() ? names[index] : NULL;
}

bool lockstep_cpu_has_feature(int index) {
  __builtin_cpu_init();
#define HAS(name, builtin, minimum, wide) __builtin_cpu_supports(builtin) != 0,
  const bool has[] = {FEATURES(HAS)};
  return index >= 0 && index < lockstep_cpu_feature_count() && has[index];
}

const char *lockstep_cpu_missing_feature(void) {
  __builtin_cpu_init();
#define MISSING(name, builtin, minimum, wide) \
  if (minimum && !__builtin_cpu_supports(builtin)) return name;
  FEATURES(MISSING)
  return NULL;
}

bool lockstep_cpu_supports_avx512(void) {
  __builtin_cpu_init();
#define LACKS(name, builtin, minimum, wide) \
  if (wide && !__builtin_cpu_supports(builtin)) return false;
  FEATURES(LACKS)
  return true;
}

#elif defined(__aarch64__)  // The baseline has all that the kernels use.

int lockstep_cpu_feature_count(void) { return 1; }
const char *lockstep_cpu_feature_name(int index) { return index == 0 ? "asimd" : NULL; }
bool lockstep_cpu_has_feature(int index) { return index == 0; }
const char *lockstep_cpu_missing_feature(void) { return NULL; }
bool lockstep_cpu_supports_avx512(void) { return false; }

#else
#error "Lockstep runs on x86-64 and arm64."
#endif
