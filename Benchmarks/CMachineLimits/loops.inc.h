// The loops for one set of registers. Included once for each, with
//   REGISTERS       the suffix of its names
//   REGISTER_BYTES  the size of a vector
//   CHAINS          sums in flight: as many as hide the latency of a multiply-add and fit the registers
//   IN_REGISTER     the letter by which assembly names such a register

#define CONCATENATE(name, set) lockstep_limit_##name##_##set
#define EXPAND(name, set) CONCATENATE(name, set)
#define NAME(name) EXPAND(name, REGISTERS)

typedef float NAME(f32) __attribute__((ext_vector_type(REGISTER_BYTES / 4)));
typedef double NAME(f64) __attribute__((ext_vector_type(REGISTER_BYTES / 8)));
typedef long long NAME(word) __attribute__((ext_vector_type(REGISTER_BYTES / 8)));

// The factor is below one and the addend small, so that sums stay ordinary numbers however long it runs. The assembly
// is empty: it keeps every sum in a register of its own.
#define MULTIPLY_ADDS(type, element)                                                      \
  static double NAME(multiply_adds_##type)(long rounds) {                                 \
    NAME(type) sums[CHAINS];                                                              \
    NAME(type) factor = (NAME(type))(element)0.999, addend = (NAME(type))(element)0.001;  \
    __asm__ volatile("" : "+" IN_REGISTER(factor), "+" IN_REGISTER(addend));              \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; ++i) sums[i] = addend; \
    for (long round = 0; round < rounds; ++round) {                                       \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; ++i) {               \
        sums[i] = __builtin_elementwise_fma(sums[i], factor, addend);                     \
        __asm__ volatile("" : "+" IN_REGISTER(sums[i]));                                  \
      }                                                                                   \
    }                                                                                     \
    return 2.0 * (double)rounds * CHAINS * (REGISTER_BYTES / (int)sizeof(element));       \
  }

MULTIPLY_ADDS(f32, float)
MULTIPLY_ADDS(f64, double)

/// Reads `bytes` bytes, a multiple of READ_STEP, once.
static void NAME(reads)(const char *memory, size_t bytes) {
  enum { WORDS = READ_STEP / 64 };
  NAME(word) seen[WORDS] = {0};
  for (size_t at = 0; at < bytes; at += WORDS * sizeof(NAME(word))) {
#pragma clang loop unroll(full)
    for (int i = 0; i < WORDS; ++i) seen[i] |= *(const NAME(word) *)(memory + at + (size_t)i * sizeof(NAME(word)));
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < WORDS; ++i) __asm__ volatile("" : : IN_REGISTER(seen[i]));
}

static const loops NAME(loops) = {NAME(multiply_adds_f32), NAME(multiply_adds_f64), NAME(reads)};

#undef MULTIPLY_ADDS
#undef NAME
#undef EXPAND
#undef CONCATENATE
#undef REGISTERS
#undef REGISTER_BYTES
#undef CHAINS
#undef IN_REGISTER
