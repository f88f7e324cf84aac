// The witness for the elementary functions: see the header.

#include "exact_functions.h"

#include <float.h>
#include <math.h>

bool lockstep_exact_is_available(void) { return LDBL_MANT_DIG >= 64; }

// erfc(-x / sqrt(2)) / 2. Far out, the rounding of the quotient would cost as many bits as its square has: the slope of
// erfc corrects for it.
static long double normal_cdf(long double x) {
  const long double root = 0.70710678118654752440084436210484903928L;
  // What root lacks, to a double's precision: (1/2 - root^2) / (2 root).
  const long double root_low = -fmal(root, root, -0.5L) / (2 * root);
  const long double two_over_root_pi = 1.12837916709551257389615890312154517169L;
  long double t = -x * root;
  long double off = fmal(-x, root, -t) - x * root_low;
  // Beyond, erfc is 0 or 2, and an infinite off no number.
  if (!(fabsl(x) < 150)) return erfcl(t) / 2;
  return (erfcl(t) - two_over_root_pi * expl(-t * t) * off) / 2;
}

static long double value(enum lockstep_exact_function function, long double x) {
  switch (function) {
  case LOCKSTEP_EXACT_EXP: return expl(x);
  case LOCKSTEP_EXACT_EXPM1: return expm1l(x);
  case LOCKSTEP_EXACT_LOG: return logl(x);
  case LOCKSTEP_EXACT_LOG1P: return log1pl(x);
  case LOCKSTEP_EXACT_TANH: return tanhl(x);
  case LOCKSTEP_EXACT_SIGMOID: return 1 / (1 + expl(-x));
  case LOCKSTEP_EXACT_NORMAL_CDF: return normal_cdf(x);
  }
  return NAN;
}

static double quick_value(enum lockstep_exact_function function, double x) {
  switch (function) {
  case LOCKSTEP_EXACT_EXP: return exp(x);
  case LOCKSTEP_EXACT_EXPM1: return expm1(x);
  case LOCKSTEP_EXACT_LOG: return log(x);
  case LOCKSTEP_EXACT_LOG1P: return log1p(x);
  case LOCKSTEP_EXACT_TANH: return tanh(x);
  case LOCKSTEP_EXACT_SIGMOID: return 1 / (1 + exp(-x));
  case LOCKSTEP_EXACT_NORMAL_CDF: return erfc(x * -0.70710678118654752) / 2;
  }
  return NAN;
}

bool lockstep_exact_nearest(enum lockstep_exact_function function, float x, float *nearest) {
  // Nearly always double decides, with the same room for its error: this makes trying every float a matter of minutes.
  // The rounded argument of erfc costs x^2 units more, up to 200 where floats are not zero.
  double quick = quick_value(function, x);
  double room = function == LOCKSTEP_EXACT_NORMAL_CDF ? 512 : 16;
  double quick_uncertainty = fabs(quick) * (room * DBL_EPSILON);
  float quick_least = (float)(quick - quick_uncertainty), quick_greatest = (float)(quick + quick_uncertainty);
  *nearest = (float)quick;
  if (isnan(quick) || isinf(quick) || quick_least == quick_greatest) return true;

  long double y = value(function, x);
  *nearest = (float)y;
  if (isnan(y) || isinf(y)) return true;
  // C libraries state errors of a few units in the last place for these functions; 16 leave room.
  long double uncertainty = fabsl(y) * (16 * LDBL_EPSILON);
  long double least = y - uncertainty, greatest = y + uncertainty;
  if (function == LOCKSTEP_EXACT_SIGMOID && fabsf(x) < 0x1p-12f) {
    // 1/2 + x/4 - x^3/48 + ...: strictly between 1/2 and 1/2 + x/4, which may itself be the middle of two floats.
    long double limit = nextafterl(0.5L + (long double)x / 4, 0.5L);
    if (x > 0) greatest = fminl(greatest, limit);
    if (x < 0) least = fmaxl(least, limit);
  }
  *nearest = (float)least;
  return (float)least == (float)greatest;
}

double lockstep_exact_error(enum lockstep_exact_function function, double x, double y) {
  long double exact = value(function, x);
  if (isnan(exact) || isnan(y)) return isnan(exact) && isnan(y) ? 0 : INFINITY;
  if (isinf(exact) || exact == 0) return exact == y && signbit(exact) == signbit(y) ? 0 : INFINITY;
  int exponent = ilogbl(exact);
  if (exponent < DBL_MIN_EXP - 1) exponent = DBL_MIN_EXP - 1;
  if (exponent > DBL_MAX_EXP - 1) exponent = DBL_MAX_EXP - 1;
  long double unit = ldexpl(1, exponent - (DBL_MANT_DIG - 1));
  // Infinity stands for the power of two after the greatest double; beyond that it is exact.
  long double bound = ldexpl(1, DBL_MAX_EXP);
  long double result = isinf(y) ? copysignl(bound, y) : y;
  if (fabsl(exact) > bound) exact = copysignl(bound, exact);
  return (double)(fabsl(result - exact) / unit);
}
