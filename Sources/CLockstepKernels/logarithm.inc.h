// The logarithm: log, log1p. A part of elementary.inc.h.

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

#undef SMALLEST_MANTISSA
#undef EXPONENT_SHIFTED
