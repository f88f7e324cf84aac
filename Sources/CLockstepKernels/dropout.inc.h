// Dropout: Philox4x32-10 on several counters at once, and what its words decide. ComputeBackend's DropoutRule says
// which counter belongs to which element.

/// Lanes of 64 bits: a counter is two of them.
#define PHILOX_LANES (REGISTER_BYTES / 8)
/// Registers side by side, so that none waits for its own product.
#define PHILOX_REGISTERS 4
/// Columns that have their words in one call: a word is four bytes.
#define PHILOX_COLUMNS (PHILOX_REGISTERS * REGISTER_BYTES / 4)

typedef uint64_t NAME(counters) __attribute__((ext_vector_type(PHILOX_LANES)));
typedef uint32_t NAME(counter_words) __attribute__((ext_vector_type(2 * PHILOX_LANES)));
typedef uint32_t NAME(words) __attribute__((ext_vector_type(LANES)));
typedef uint32_t NAME(unaligned_words) __attribute__((ext_vector_type(LANES), aligned(4), may_alias));

/// Each four words in reverse order.
static inline INLINED NAME(counters) NAME(reversed_words)(NAME(counters) counters) {
  const NAME(counter_words) words = (NAME(counter_words))counters;
#if REGISTER_BYTES == 64
  return (NAME(counters))__builtin_shufflevector(words, words, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
#elif REGISTER_BYTES == 32
  return (NAME(counters))__builtin_shufflevector(words, words, 3, 2, 1, 0, 7, 6, 5, 4);
#else
  return (NAME(counters))__builtin_shufflevector(words, words, 3, 2, 1, 0);
#endif
}

/// `even` in the lanes of even number, `odd` in the others.
static inline INLINED NAME(counters) NAME(pairs)(uint64_t even, uint64_t odd) {
  NAME(counters) pairs;
#pragma clang loop unroll(full)
  for (int i = 0; i < PHILOX_LANES; ++i) pairs[i] = i % 2 == 0 ? even : odd;
  return pairs;
}

/// The words of PHILOX_COLUMNS columns of a row, the first of them column `4 * block`, in their order.
///
/// A counter is a pair of 64-bit lanes, words 0 and 1 in the first, 2 and 3 in the second. A round multiplies words 0
/// and 2, the low halves, to 64 bits each; in reverse order their four halves are the next words, but for the exclusive
/// or with words 1 and 3, which stand in the high halves, and the key.
static inline INLINED void NAME(dropout_words)(const lockstep_dropout_rule *rule, ptrdiff_t row, ptrdiff_t block,
                                               uint32_t *words) {
  NAME(counters) lanes[PHILOX_REGISTERS];
#pragma clang loop unroll(full)
  for (int i = 0; i < PHILOX_REGISTERS; ++i) {
#pragma clang loop unroll(full)
    for (int l = 0; l < PHILOX_LANES; l += 2) {
      const uint32_t place = (uint32_t)(block + (i * PHILOX_LANES + l) / 2);
      lanes[i][l] = (uint64_t)(uint32_t)row << 32 | place;
      lanes[i][l + 1] = (uint64_t)rule->stream << 32 | rule->step;
    }
  }
  uint32_t low_key = rule->key[0], high_key = rule->key[1];
  const NAME(counters) factors = NAME(pairs)(0xD2511F53, 0xCD9E8D57);
  for (int round = 0; round < 10; ++round) {
    const NAME(counters) key = NAME(pairs)(low_key, high_key);
#pragma clang loop unroll(full)
    for (int i = 0; i < PHILOX_REGISTERS; ++i) {
      const NAME(counters) products = (lanes[i] & 0xFFFFFFFF) * factors;
      lanes[i] = NAME(reversed_words)(products) ^ (lanes[i] >> 32) ^ key;
    }
    low_key += 0x9E3779B9;
    high_key += 0xBB67AE85;
  }
  memcpy(words, lanes, sizeof lanes);
}

static void NAME(drop_out)(const lockstep_dropout_rule *rule, ptrdiff_t first_row, lockstep_matrix values,
                           lockstep_mutable_matrix output) {
  const ELEMENT scale = (ELEMENT)rule->scale;
  for (ptrdiff_t row = 0; row < values.rows; ++row) {
    const ELEMENT *x = (const ELEMENT *)values.base + row * values.stride;
    ELEMENT *y = (ELEMENT *)output.base + row * output.stride;
    for (ptrdiff_t first = 0; first < values.columns; first += PHILOX_COLUMNS) {
      uint32_t words[PHILOX_COLUMNS];
      NAME(dropout_words)(rule, first_row + row, first / 4, words);
      const ptrdiff_t count = values.columns - first < PHILOX_COLUMNS ? values.columns - first : PHILOX_COLUMNS;
      ptrdiff_t i = 0;
      for (; i + LANES <= count; i += LANES) {
        const NAME(words) drawn = *(const NAME(unaligned_words) *)(words + i);
        const MASK is_kept = __builtin_convertvector(drawn >= (NAME(words))(rule->threshold), MASK);
        const VECTOR scaled = NAME(load)(x + first + i) * NAME(splat)(scale);
        NAME(store)(y + first + i, is_kept ? scaled : NAME(splat)(0));
      }
      for (; i < count; ++i) y[first + i] = words[i] >= rule->threshold ? x[first + i] * scale : 0;
    }
  }
}

#undef PHILOX_LANES
#undef PHILOX_REGISTERS
#undef PHILOX_COLUMNS
