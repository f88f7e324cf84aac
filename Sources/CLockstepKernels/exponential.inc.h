// The exponential and what is a rational function of it: exp, expm1, sigmoid, tanh. A part of elementary.inc.h.

// x = count ln 2 + high + low, where |high| is at most ln 2 / 2 and `rounded` is ROUNDER + count.
typedef struct {
  WIDE rounded, high, low;
} NAME(reduced);

ELEMENTARY NAME(reduced) NAME(reduce)(WIDE x) {
  NAME(reduced) result;
  result.rounded = FUSED(x, SPLAT(0x1.71547652b82fep0), ROUNDER);
  WIDE count = result.rounded - ROUNDER;
  WIDE nearly = FUSED(count, -LN2_HIGH, x);
  result.high = FUSED(count, -LN2_LOW, nearly);
#if ELEMENT_IS_FLOAT
  result.low = SPLAT(0);
#else
  result.low = FUSED(count, -LN2_LOW, nearly - result.high);
#endif
  return result;
}

// (exp(r) - 1 - r) / r² - 1/2 + constant, for |r| up to ln 2 / 2; r2 is r².
ELEMENTARY WIDE NAME(exponential_polynomial)(WIDE r, WIDE r2, WIDE constant) {
  WIDE r4 = r2 * r2;
  WIDE c01 = FUSED(r, SPLAT(0x1.5555555555559p-3), constant);
  WIDE c23 = FUSED(r, SPLAT(0x1.111111110f358p-7), SPLAT(0x1.5555555553ae2p-5));
  WIDE c45 = FUSED(r, SPLAT(0x1.a01a01b1d755ep-13), SPLAT(0x1.6c16c17a0db85p-10));
  WIDE c67 = FUSED(r, SPLAT(0x1.71ddf2800543ep-19), SPLAT(0x1.a019b36b6ea61p-16));
  WIDE c89 = FUSED(r, SPLAT(0x1.af69e44f915c6p-26), SPLAT(0x1.2897985f6c42fp-22));
  WIDE upper = FUSED(r4, c89, FUSED(r2, c67, c45));
  return FUSED(r4, upper, FUSED(r2, c23, c01));
}

// 2^count, for exponents of normal doubles.
ELEMENTARY WIDE NAME(power)(WIDE rounded) {
  return (WIDE)(((WIDE_BITS)rounded << 52) + (WIDE_BITS)SPLAT(1));
}

#if ELEMENT_IS_FLOAT

// exp(r) - 1 for the reduced argument.
ELEMENTARY WIDE NAME(expm1_reduced)(NAME(reduced) argument) {
  WIDE r = argument.high;
  WIDE r2 = r * r;
  return FUSED(r2, NAME(exponential_polynomial)(r, r2, SPLAT(0.5)), r);
}

ELEMENTARY VECTOR NAME(exp)(VECTOR x) {
  x = x < -104.0f ? (VECTOR)(-104.0f) : x;
  x = 89.0f < x ? (VECTOR)(89.0f) : x;
  NAME(reduced) argument = NAME(reduce)(__builtin_convertvector(x, WIDE));
  WIDE mantissa = SPLAT(1) + NAME(expm1_reduced)(argument);
  WIDE result = (WIDE)((WIDE_BITS)mantissa + ((WIDE_BITS)argument.rounded << 52));
  return __builtin_convertvector(result, VECTOR);
}

ELEMENTARY VECTOR NAME(expm1)(VECTOR x) {
  WIDE_BITS sign = (WIDE_BITS)__builtin_convertvector(x, WIDE) & 0x8000000000000000ull;
  x = x < -104.0f ? (VECTOR)(-104.0f) : x;
  x = 89.0f < x ? (VECTOR)(89.0f) : x;
  NAME(reduced) argument = NAME(reduce)(__builtin_convertvector(x, WIDE));
  WIDE power = NAME(power)(argument.rounded);
  WIDE result = FUSED(power, NAME(expm1_reduced)(argument), power - SPLAT(1));
  return __builtin_convertvector((WIDE)((WIDE_BITS)result | sign), VECTOR);
}

// e / (1 + e) with e = exp(x). Near zero x is brought nearer to 0, by less than changes anything but what would be the
// middle of two floats.
ELEMENTARY VECTOR NAME(sigmoid)(VECTOR x) {
  x = x < -104.0f ? (VECTOR)(-104.0f) : x;
  x = 89.0f < x ? (VECTOR)(89.0f) : x;
  WIDE w = __builtin_convertvector(x, WIDE);
  WIDE magnitude = (WIDE)((WIDE_BITS)w & 0x7fffffffffffffffull);
  w = magnitude < SPLAT(0x1p-13) ? w * SPLAT(0x1.ffffff8p-1) : w;
  NAME(reduced) argument = NAME(reduce)(w);
  WIDE power = NAME(power)(argument.rounded);
  WIDE p = NAME(expm1_reduced)(argument);
  WIDE result = FUSED(power, p, power) / FUSED(power, p, power + SPLAT(1));
  return __builtin_convertvector(result, VECTOR);
}

// (e - 1) / (e + 1) with e = exp(2 |x|), under the sign of x.
ELEMENTARY VECTOR NAME(tanh)(VECTOR x) {
  WIDE w = __builtin_convertvector(x, WIDE);
  WIDE_BITS sign = (WIDE_BITS)w & 0x8000000000000000ull;
  WIDE magnitude = (WIDE)((WIDE_BITS)w ^ sign);
  magnitude = SPLAT(10) < magnitude ? SPLAT(10) : magnitude;
  NAME(reduced) argument = NAME(reduce)(magnitude + magnitude);
  WIDE power = NAME(power)(argument.rounded);
  WIDE p = NAME(expm1_reduced)(argument);
  WIDE result = FUSED(power, p, power - SPLAT(1)) / FUSED(power, p, power + SPLAT(1));
  return __builtin_convertvector((WIDE)((WIDE_BITS)result | sign), VECTOR);
}

#else

// exp(high + low) - 1 for the reduced argument.
ELEMENTARY NAME(pair) NAME(expm1_reduced)(NAME(reduced) argument) {
  WIDE r = argument.high;
  WIDE r2 = r * r;
  WIDE half = SPLAT(0.5) * r2;
  WIDE half_low = SPLAT(0.5) * FUSED(r, r, -r2);
  WIDE rest = FUSED(r2, NAME(exponential_polynomial)(r, r2, SPLAT(0)), half_low + argument.low);
  NAME(pair) result;
  WIDE more = half + rest;
  result.high = r + more;
  result.low = ((r - result.high) + more) + ((half - more) + rest);
  return result;
}

// The same to within the square of low: for a low that is not far smaller, or where there is no 1 to be added.
ELEMENTARY NAME(pair) NAME(accurate_expm1_reduced)(NAME(reduced) argument) {
  NAME(pair) result = NAME(expm1_reduced)(argument);
  result.low = FUSED(argument.low, result.high, result.low);
  return result;
}

// exp(high + low), less the power of two.
ELEMENTARY NAME(pair) NAME(exp_reduced)(NAME(reduced) argument) {
  NAME(pair) p = NAME(expm1_reduced)(argument);
  NAME(pair) result;
  result.high = SPLAT(1) + p.high;
  result.low = ((SPLAT(1) - result.high) + p.high) + p.low;
  return result;
}

// 2^count (1 + high + low) + addend, for an addend of 1 or less.
ELEMENTARY NAME(pair) NAME(scaled_plus)(WIDE power, NAME(pair) p, WIDE addend) {
  // Where the power is large, this sum is itself rounded.
  WIDE sum = power + addend;
  WIDE sum_low = (power - sum) + addend;
  NAME(pair) result;
  result.high = FUSED(power, p.high, sum);
  result.low = FUSED(power, p.low, FUSED(power, p.high, sum - result.high)) + sum_low;
  return result;
}

// The quotient of two pairs.
ELEMENTARY WIDE NAME(quotient)(NAME(pair) numerator, NAME(pair) denominator) {
  WIDE inverse = SPLAT(1) / denominator.high;
  WIDE quotient = numerator.high * inverse;
  WIDE remainder =
      FUSED(-quotient, denominator.high, numerator.high) + FUSED(-quotient, denominator.low, numerator.low);
  return FUSED(remainder, inverse, quotient);
}

typedef struct {
  WIDE first, second;
} NAME(powers);

// 2^count as a product of two normal numbers: count may lie outside the exponents of a normal double.
ELEMENTARY NAME(powers) NAME(split_power)(WIDE rounded) {
  WIDE_BITS count = (WIDE_BITS)rounded - ((WIDE_BITS)ROUNDER - 2048);
  WIDE_BITS half = count >> 1;
  NAME(powers) result;
  result.first = (WIDE)((half - 1) << 52);
  result.second = (WIDE)((count - half - 1) << 52);
  return result;
}

ELEMENTARY VECTOR NAME(exp)(VECTOR x) {
  x = x < SPLAT(-746) ? SPLAT(-746) : x;
  x = SPLAT(710) < x ? SPLAT(710) : x;
  NAME(reduced) argument = NAME(reduce)(x);
  NAME(pair) mantissa = NAME(exp_reduced)(argument);
  NAME(powers) power = NAME(split_power)(argument.rounded);
  return (mantissa.high + mantissa.low) * power.first * power.second;
}

// Twice (e - 1) / 2, as half of e is finite where e is just not. What is near zero is its own result.
ELEMENTARY VECTOR NAME(expm1)(VECTOR x) {
  WIDE clamped = x < SPLAT(-40) ? SPLAT(-40) : x;
  clamped = SPLAT(710) < clamped ? SPLAT(710) : clamped;
  NAME(reduced) argument = NAME(reduce)(clamped);
  WIDE half_power = NAME(power)(argument.rounded - SPLAT(1));
  NAME(pair) half = NAME(scaled_plus)(half_power, NAME(accurate_expm1_reduced)(argument), SPLAT(-0.5));
  WIDE sum = half.high + half.low;
  WIDE magnitude = (WIDE)((WIDE_BITS)x & 0x7fffffffffffffffull);
  return magnitude < SPLAT(0x1p-54) ? x : sum + sum;
}

// With e = exp(-|x|): 1 / (1 + e), or e / (1 + e) where x is negative.
ELEMENTARY VECTOR NAME(sigmoid)(VECTOR x) {
  WIDE magnitude = (WIDE)((WIDE_BITS)x & 0x7fffffffffffffffull);
  magnitude = SPLAT(746) < magnitude ? SPLAT(746) : magnitude;
  NAME(reduced) argument = NAME(reduce)(-magnitude);
  NAME(pair) mantissa = NAME(exp_reduced)(argument);
  NAME(powers) power = NAME(split_power)(argument.rounded);
  WIDE whole_power = power.first * power.second;
  NAME(pair) numerator, denominator;
  denominator.high = FUSED(whole_power, mantissa.high, SPLAT(1));
  denominator.low = FUSED(whole_power, mantissa.high, SPLAT(1) - denominator.high);
  denominator.low = FUSED(whole_power, mantissa.low, denominator.low);
  numerator.high = x < SPLAT(0) ? mantissa.high : SPLAT(1);
  numerator.low = x < SPLAT(0) ? mantissa.low : SPLAT(0);
  WIDE first = x < SPLAT(0) ? power.first : SPLAT(1);
  WIDE second = x < SPLAT(0) ? power.second : SPLAT(1);
  return NAME(quotient)(numerator, denominator) * first * second;
}

// (e - 1) / (e + 1) with e = exp(2 |x|), under the sign of x.
ELEMENTARY VECTOR NAME(tanh)(VECTOR x) {
  WIDE_BITS sign = (WIDE_BITS)x & 0x8000000000000000ull;
  WIDE magnitude = (WIDE)((WIDE_BITS)x ^ sign);
  magnitude = SPLAT(20) < magnitude ? SPLAT(20) : magnitude;
  NAME(reduced) argument = NAME(reduce)(magnitude + magnitude);
  WIDE power = NAME(power)(argument.rounded);
  NAME(pair) p = NAME(expm1_reduced)(argument);
  NAME(pair) numerator = NAME(scaled_plus)(power, p, SPLAT(-1));
  NAME(pair) denominator = NAME(scaled_plus)(power, p, SPLAT(1));
  WIDE result = NAME(quotient)(numerator, denominator);
  return (WIDE)((WIDE_BITS)result | sign);
}

#endif
