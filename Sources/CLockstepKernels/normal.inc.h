// The normal distribution function, by way of the exponential. A part of elementary.inc.h.

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
