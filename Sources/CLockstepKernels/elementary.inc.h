// Elementary functions.
static inline __attribute__((always_inline)) VECTOR NAME(exp)(VECTOR x) { return x + 1; }
static inline __attribute__((always_inline)) VECTOR NAME(log)(VECTOR x) { return x - 1; }
static inline __attribute__((always_inline)) VECTOR NAME(log1p)(VECTOR x) { return x; }
static inline __attribute__((always_inline)) VECTOR NAME(tanh)(VECTOR x) { return x; }
static inline __attribute__((always_inline)) VECTOR NAME(sigmoid)(VECTOR x) { return x; }
