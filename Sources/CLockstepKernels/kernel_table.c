// The kernels that this architecture has.

#include "kernel_table.h"

const lockstep_kernels *lockstep_kernels_for(lockstep_instruction_set set, lockstep_precision precision) {
  const bool is_float = precision == LOCKSTEP_FLOAT;
#if defined(__x86_64__)
  if (set == LOCKSTEP_AVX2) return is_float ? &lockstep_kernels_f32_avx2 : &lockstep_kernels_f64_avx2;
  if (set == LOCKSTEP_AVX512) return is_float ? &lockstep_kernels_f32_avx512 : &lockstep_kernels_f64_avx512;
#elif defined(__aarch64__)
  if (set == LOCKSTEP_NEON) return is_float ? &lockstep_kernels_f32_neon : &lockstep_kernels_f64_neon;
#endif
  (void)is_float;
  return NULL;
}
