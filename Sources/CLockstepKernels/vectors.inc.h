// Vectors of elements: types, loads, stores, sums of arrays. Each operation is the IEEE operation on each lane, and a choice,
// `mask ? a : b`, takes lanes of either as they are.

typedef ELEMENT NAME(vector) __attribute__((ext_vector_type(LANES)));
typedef ELEMENT NAME(unaligned) __attribute__((ext_vector_type(LANES), aligned(sizeof(ELEMENT)), may_alias));
typedef ELEMENT NAME(block) __attribute__((ext_vector_type(BLOCK)));
typedef ELEMENT NAME(unaligned_block) __attribute__((ext_vector_type(BLOCK), aligned(sizeof(ELEMENT)), may_alias));
typedef ELEMENT NAME(square) __attribute__((ext_vector_type(SQUARE)));
typedef ELEMENT NAME(unaligned_square) __attribute__((ext_vector_type(SQUARE), aligned(sizeof(ELEMENT)), may_alias));
#if ELEMENT_IS_FLOAT
typedef int32_t NAME(mask) __attribute__((ext_vector_type(LANES)));
#else
typedef int64_t NAME(mask) __attribute__((ext_vector_type(LANES)));
#endif
typedef double NAME(wide) __attribute__((ext_vector_type(LANES)));
typedef uint64_t NAME(wide_bits) __attribute__((ext_vector_type(LANES)));

static inline INLINED VECTOR NAME(load)(const ELEMENT *address) { return *(const NAME(unaligned) *)address; }

static inline INLINED void NAME(store)(ELEMENT *address, VECTOR vector) { *(NAME(unaligned) *)address = vector; }

static inline INLINED VECTOR NAME(splat)(ELEMENT value) { return (VECTOR)value; }

/// True in the first `count` lanes.
static inline INLINED MASK NAME(lanes_below)(ptrdiff_t count) {
  MASK numbers;
#pragma clang loop unroll(full)
  for (int i = 0; i < LANES; ++i) numbers[i] = i;
  return numbers < (MASK)count;
}

/// Copies `count` elements.
static inline INLINED void NAME(copy)(ELEMENT *to, const ELEMENT *from, ptrdiff_t count) {
  if (count < LANES) {
    for (ptrdiff_t i = 0; i < count; ++i) to[i] = from[i];
    return;
  }
  for (ptrdiff_t i = 0; i + LANES < count; i += LANES) NAME(store)(to + i, NAME(load)(from + i));
  NAME(store)(to + count - LANES, NAME(load)(from + count - LANES));
}

/// `sum[i] = sum[i] + other[i]`.
static void NAME(add_array)(ELEMENT *sum, const ELEMENT *other, ptrdiff_t count) {
  ptrdiff_t i = 0;
  for (; i + LANES <= count; i += LANES) NAME(store)(sum + i, NAME(load)(sum + i) + NAME(load)(other + i));
  for (; i < count; ++i) sum[i] = sum[i] + other[i];
}
