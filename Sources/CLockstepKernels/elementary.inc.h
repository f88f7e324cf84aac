// The project's elementary functions for the C kernels: exp, expm1, log, log1p, tanh, sigmoid and the normal distribution
// function of vectors. The same sequence of operations as Elementary in the Swift module ComputeBackend, which says where
// each comes from; whoever changes one changes the other. Nothing here knows of matrices.
//
// A template, included once for every precision and instruction set, after the includer has defined
//   VECTOR            the clang vector (ext_vector_type) of float or double that the functions take and return,
//   WIDE              the vector of as many doubles (VECTOR itself for double),
//   WIDE_BITS         the vector of as many uint64_t,
//   ELEMENT_IS_FLOAT  1 for float, 0 for double,
//   NAME(x)           the identifier x with a suffix for precision and instruction set.
// The file must be compiled with -ffp-contract=off: a product and a sum fuse only in FUSED.

#pragma clang diagnostic push
// Everything is inlined: no vector crosses a call.
#pragma clang diagnostic ignored "-Wpsabi"

#define ELEMENTARY static inline __attribute__((always_inline))
#define FUSED(a, b, c) __builtin_elementwise_fma(a, b, c)
#define SPLAT(x) ((WIDE)(x))

// Adding it to a small number rounds that to an integer, which then stands in the lowest bits.
#define ROUNDER SPLAT(0x1.8p52)
#define LN2_HIGH SPLAT(0x1.62e42fefa38p-1)
#define LN2_LOW SPLAT(0x1.ef35793c7673p-45)

// The sum of two numbers, the second far smaller.
typedef struct {
  WIDE high, low;
} NAME(pair);

#if ELEMENT_IS_FLOAT

// high + low rounded to odd, so that rounding it to float cannot tie. No sum at hand is the middle of two floats.
ELEMENTARY WIDE NAME(sum_rounded_to_odd)(WIDE high, WIDE low) {
  WIDE sum = high + low;
  WIDE error = (high - sum) + low;
  WIDE_BITS is_too_large = ((WIDE_BITS)error ^ (WIDE_BITS)sum) >> 63;
  return (WIDE)(((WIDE_BITS)sum - is_too_large) | 1);
}

#endif

// MARK: The exponential

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

// MARK: The logarithm

// (log(1 + f) - 2s) / s where s = f / (2 + f) and z = s²: twice the rest of the series of the inverse tangent.
ELEMENTARY WIDE NAME(logarithm_polynomial)(WIDE z) {
  WIDE z2 = z * z;
  WIDE z4 = z2 * z2;
  WIDE c12 = FUSED(z, SPLAT(0x1.999999997ff22p-2), SPLAT(0x1.5555555555592p-1));
  WIDE c34 = FUSED(z, SPLAT(0x1.c71c5214c6822p-3), SPLAT(0x1.24924941e0bddp-2));
  WIDE c56 = FUSED(z, SPLAT(0x1.39a1ea84a2704p-3), SPLAT(0x1.74663cd86ceaap-3));
  WIDE c567 = FUSED(z2, SPLAT(0x1.2f03accd6ec87p-3), c56);
  return z * FUSED(z4, c567, FUSED(z2, c34, c12));
}

// log(1 + f) + count ln 2 + low, given -count. For float rounded to odd, so that rounding to float cannot tie.
ELEMENTARY WIDE NAME(logarithm)(WIDE f, WIDE minus_count, WIDE low) {
  WIDE s = f / (SPLAT(2) + f);
  WIDE half_square = SPLAT(0.5) * f * f;
  WIDE rest = FUSED(s, half_square + NAME(logarithm_polynomial)(s * s), FUSED(minus_count, -LN2_LOW, low));
  WIDE whole = minus_count * -LN2_HIGH;
  WIDE sum = whole + f;
  WIDE correction = ((whole - sum) + f) - (half_square - rest);
#if ELEMENT_IS_FLOAT
  return NAME(sum_rounded_to_odd)(sum, correction);
#else
  return sum + correction;
#endif
}

// The bits of sqrt(1/2), rounded to its upper half: mantissas are taken from there up to twice that.
#define SMALLEST_MANTISSA 0x3fe6a09e00000000ull
#define EXPONENT_SHIFTED(x) ((WIDE_BITS)(x) + (0x3ff0000000000000ull - SMALLEST_MANTISSA))

// x = m 2^count: m, and -count.
ELEMENTARY WIDE NAME(mantissa)(WIDE_BITS shifted) {
  return (WIDE)((shifted & 0x000fffffffffffffull) + SMALLEST_MANTISSA);
}

ELEMENTARY WIDE NAME(minus_exponent)(WIDE_BITS shifted) {
  return SPLAT(0x1p52 + 1023) - (WIDE)((shifted >> 52) | 0x4330000000000000ull);
}

// The value, except where x is not between the pole and infinity.
ELEMENTARY VECTOR NAME(patched)(VECTOR value, VECTOR x, VECTOR pole) {
  VECTOR outside = x < pole ? (VECTOR)(__builtin_nanf("")) : (VECTOR)(-__builtin_inff());
  value = pole < x ? value : outside;
  return x < (VECTOR)(__builtin_inff()) ? value : x;
}

ELEMENTARY VECTOR NAME(log)(VECTOR x) {
  WIDE w = __builtin_convertvector(x, WIDE);
#if !ELEMENT_IS_FLOAT
  WIDE scaled = w * SPLAT(0x1p54);
  WIDE low_exponent = w < SPLAT(0x1p-1022) ? SPLAT(54) : SPLAT(0);
  w = w < SPLAT(0x1p-1022) ? scaled : w;
#endif
  WIDE_BITS shifted = EXPONENT_SHIFTED(w);
  WIDE minus_count = NAME(minus_exponent)(shifted);
#if !ELEMENT_IS_FLOAT
  minus_count = minus_count + low_exponent;
#endif
  WIDE result = NAME(logarithm)(NAME(mantissa)(shifted) - SPLAT(1), minus_count, SPLAT(0));
  return NAME(patched)(__builtin_convertvector(result, VECTOR), x, (VECTOR)(0));
}

ELEMENTARY VECTOR NAME(log1p)(VECTOR x) {
  WIDE w = __builtin_convertvector(x, WIDE);
  WIDE sum = SPLAT(1) + w;
  WIDE_BITS shifted = EXPONENT_SHIFTED(sum);
  WIDE minus_count = NAME(minus_exponent)(shifted);
  WIDE f = NAME(mantissa)(shifted) - SPLAT(1);
#if ELEMENT_IS_FLOAT
  WIDE magnitude = (WIDE)((WIDE_BITS)w & 0x7fffffffffffffffull);
  f = magnitude < SPLAT(0.25) ? w : f;
  WIDE low = SPLAT(0);
#else
  // What the rounding of 1 + x lost, in the scale of the mantissa, and times the slope of the logarithm.
  WIDE back = sum - SPLAT(1);
  WIDE lost = (SPLAT(1) - (sum - back)) + (w - back);
  lost = lost * (WIDE)(0x7ff0000000000000ull - (shifted & 0xfff0000000000000ull)) * SPLAT(0.5);
  WIDE mantissa_part = f;
  f = mantissa_part + lost;
  WIDE low = lost - (f - mantissa_part);
  low = low * FUSED(f, SPLAT(-0.7), SPLAT(1));
#endif
  WIDE result = NAME(logarithm)(f, minus_count, low);
  result = (WIDE)((WIDE_BITS)result | ((WIDE_BITS)w & 0x8000000000000000ull));
  return NAME(patched)(__builtin_convertvector(result, VECTOR), x, (VECTOR)(-1));
}

// MARK: The normal distribution function

// c0 + c1 x + c2 x² + c3 x³.
ELEMENTARY WIDE NAME(cubic)(WIDE x, WIDE x2, double c0, double c1, double c2, double c3) {
  return FUSED(x2, FUSED(x, SPLAT(c3), SPLAT(c2)), FUSED(x, SPLAT(c1), SPLAT(c0)));
}

// (t + 2) exp(t²/2) times the normal distribution function of -t, less 0x1.86p-2 + 0x1.32p0 s, for s = 1 / (t + 2) and
// w = 4 s - 17/16.
ELEMENTARY WIDE NAME(tail_polynomial)(WIDE w) {
  WIDE w2 = w * w;
  WIDE w4 = w2 * w2;
  WIDE terms0 =
      NAME(cubic)(w, w2, -0x1.50da1100cb79bp-8, 0x1.24d43e810fc88p-5, 0x1.671927f476246p-6, -0x1.2bb00d5d96213p-5);
  WIDE terms4 =
      NAME(cubic)(w, w2, 0x1.8c4c99a3c42a8p-10, 0x1.8543efcc47709p-8, -0x1.217fad37db0ebp-9, -0x1.a70015132b827p-12);
  WIDE terms8 =
      NAME(cubic)(w, w2, 0x1.6c831db2bd4d1p-11, -0x1.0a925bb562d27p-12, -0x1.4be820f2939eap-15, 0x1.84f738d7143b4p-14);
  WIDE terms12 =
      NAME(cubic)(w, w2, -0x1.8eba62ba850a8p-15, 0x1.2f7d288b61263p-18, 0x1.788389a6a646fp-17, -0x1.4163d9b0fac3cp-17);
  WIDE terms16 =
      NAME(cubic)(w, w2, 0x1.e154c015dfa32p-19, 0x1.eedf059049ddp-22, -0x1.93b8b9d714bd8p-20, 0x1.d2058dbdd91c7p-21);
  WIDE terms20 =
      NAME(cubic)(w, w2, -0x1.59437a2abe2a7p-22, 0x1.f46c6f8a1277dp-23, 0x1.4c78224e6cf95p-24, -0x1.a520c1eaa44cp-22);
  WIDE terms24 =
      NAME(cubic)(w, w2, 0x1.65f89c72af867p-23, 0x1.23eb6fdcc6e55p-23, -0x1.85adf512999e9p-24, -0x1.1c02f652abcbdp-26);
  WIDE upper = FUSED(w4, FUSED(w4, SPLAT(0x1.fe2cdcce5210fp-27), terms24), terms20);
  WIDE middle = FUSED(w4, FUSED(w4, upper, terms16), terms12);
  return FUSED(w4, FUSED(w4, FUSED(w4, middle, terms8), terms4), terms0);
}

// exp(t²/2) times the normal distribution function of -t, for t from 0 to 39.
ELEMENTARY NAME(pair) NAME(scaled_tail)(WIDE t) {
  WIDE d = t + SPLAT(2);
  // A multiple of 2^-35, so that sums and products of it are exact. It is 1 / (place + 2), and place is t + off.
  WIDE s = (SPLAT(1) / d + SPLAT(0x1.8p17)) - SPLAT(0x1.8p17);
  WIDE remainder = FUSED(-s, t, FUSED(-s, SPLAT(2), SPLAT(1)));
  WIDE off = remainder * d;
  WIDE place = FUSED(remainder, d, t);
  WIDE line = FUSED(s, SPLAT(0x1.32p0), SPLAT(0x1.86p-2));
  WIDE rest = NAME(tail_polynomial)(FUSED(s, SPLAT(4), SPLAT(-0x1.1p0)));
  WIDE sum = line + rest;
  WIDE sum_low = (line - sum) + rest;
  NAME(pair) result;
  result.high = s * sum;
  WIDE slope = FUSED(place, result.high, SPLAT(-0x1.9884533d43651p-2));
  result.low = FUSED(-off, slope, FUSED(s, sum_low, FUSED(s, sum, -result.high)));
  return result;
}

#if ELEMENT_IS_FLOAT

// With t = |x|, exp(-t²/2) times the scaled tail, or 1 less that where x is not negative.
ELEMENTARY VECTOR NAME(normal_cdf)(VECTOR x) {
  WIDE w = __builtin_convertvector(x, WIDE);
  WIDE t = (WIDE)((WIDE_BITS)w & 0x7fffffffffffffffull);
  t = SPLAT(15) < t ? SPLAT(15) : t;
  NAME(reduced) argument = NAME(reduce)(SPLAT(-0.5) * (t * t));
  WIDE power = NAME(power)(argument.rounded);
  WIDE p = NAME(expm1_reduced)(argument);
  NAME(pair) scaled = NAME(scaled_tail)(t);
  WIDE high = FUSED(scaled.high, p, scaled.high);
  WIDE low = FUSED(scaled.high, p, scaled.high - high) + FUSED(scaled.low, p, scaled.low);
  WIDE whole = w < SPLAT(0) ? SPLAT(0) : SPLAT(1);
  WIDE factor = w < SPLAT(0) ? power : -power;
  WIDE sum = FUSED(factor, high, whole);
  WIDE sum_low = FUSED(factor, low, FUSED(factor, high, whole - sum));
  return __builtin_convertvector(NAME(sum_rounded_to_odd)(sum, sum_low), VECTOR);
}

#else

// With t = |x|, exp(-t²/2) times the scaled tail, or 1 less that where x is not negative.
ELEMENTARY VECTOR NAME(normal_cdf)(VECTOR x) {
  WIDE t = (WIDE)((WIDE_BITS)x & 0x7fffffffffffffffull);
  t = SPLAT(39) < t ? SPLAT(39) : t;
  WIDE square = t * t;
  WIDE square_low = FUSED(t, t, -square);
  NAME(reduced) argument = NAME(reduce)(SPLAT(-0.5) * square);
  argument.low = FUSED(square_low, SPLAT(-0.5), argument.low);
  NAME(pair) p = NAME(accurate_expm1_reduced)(argument);
  NAME(powers) power = NAME(split_power)(argument.rounded);
  NAME(pair) scaled = NAME(scaled_tail)(t);
  WIDE high = FUSED(scaled.high, p.high, scaled.high);
  WIDE low = FUSED(scaled.high, p.low, FUSED(scaled.high, p.high, scaled.high - high));
  WIDE tail = high + (low + FUSED(scaled.low, p.high, scaled.low));
  WIDE rest = FUSED(-(power.first * power.second), tail, SPLAT(1));
  return x < SPLAT(0) ? tail * power.first * power.second : rest;
}

#endif

#undef ELEMENTARY
#undef FUSED
#undef SPLAT
#undef ROUNDER
#undef LN2_HIGH
#undef LN2_LOW
#undef SMALLEST_MANTISSA
#undef EXPONENT_SHIFTED

#pragma clang diagnostic pop
