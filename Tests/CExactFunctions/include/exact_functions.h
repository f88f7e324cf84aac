// A witness for the elementary functions: the C library's in long double, 64 or 113 bits of precision.
// It decides what is right; nothing here is part of Lockstep.

#ifndef LOCKSTEP_EXACT_FUNCTIONS_H
#define LOCKSTEP_EXACT_FUNCTIONS_H

#include <stdbool.h>

enum lockstep_exact_function {
  LOCKSTEP_EXACT_EXP,
  LOCKSTEP_EXACT_EXPM1,
  LOCKSTEP_EXACT_LOG,
  LOCKSTEP_EXACT_LOG1P,
  LOCKSTEP_EXACT_TANH,
  LOCKSTEP_EXACT_SIGMOID,
  LOCKSTEP_EXACT_NORMAL_CDF
};

/// Whether long double is precise enough here to be a witness. It is not where it is but another name of double.
bool lockstep_exact_is_available(void);

/// Finds the float nearest to the exact value at x.
///
/// Returns false where the exact value is so near to the middle of two floats that this witness cannot tell.
bool lockstep_exact_nearest(enum lockstep_exact_function function, float x, float *nearest);

/// The distance of y from the exact value at x, in units in the last place of a double of that value; 0 for NaN where
/// NaN is right.
double lockstep_exact_error(enum lockstep_exact_function function, double x, double y);

#endif
