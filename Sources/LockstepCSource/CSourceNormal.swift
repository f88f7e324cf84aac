// The normal distribution function in C. The same sequence of operations as Elementary in the module ComputeBackend, which
// says where it comes from; whoever changes one changes the other. What it shares with other functions lies in
// CSourceElementary.swift.

extension CSourceElementary {
  var scaledTail: String {
    """
    /* c0 + c1 x + c2 x^2 + c3 x^3; x2 is x^2. */
    \(inline) double \(name)_cubic(double x, double x2, double c0, double c1, double c2, double c3) {
      return fma(x2, fma(x, c3, c2), fma(x, c1, c0));
    }

    /* (t + 2) times the scaled tail, less a line, for w = 4 / (t + 2) - 17/16. */
    \(inline) double \(name)_tail_polynomial(double w) {
      const double w2 = w * w;
      const double w4 = w2 * w2;
      const double terms0 =
          \(name)_cubic(w, w2, -0x1.50da1100cb79bp-8, 0x1.24d43e810fc88p-5, 0x1.671927f476246p-6, -0x1.2bb00d5d96213p-5);
      const double terms4 =
          \(name)_cubic(w, w2, 0x1.8c4c99a3c42a8p-10, 0x1.8543efcc47709p-8, -0x1.217fad37db0ebp-9, -0x1.a70015132b827p-12);
      const double terms8 =
          \(name)_cubic(w, w2, 0x1.6c831db2bd4d1p-11, -0x1.0a925bb562d27p-12, -0x1.4be820f2939eap-15, 0x1.84f738d7143b4p-14);
      const double terms12 =
          \(name)_cubic(w, w2, -0x1.8eba62ba850a8p-15, 0x1.2f7d288b61263p-18, 0x1.788389a6a646fp-17, -0x1.4163d9b0fac3cp-17);
      const double terms16 =
          \(name)_cubic(w, w2, 0x1.e154c015dfa32p-19, 0x1.eedf059049ddp-22, -0x1.93b8b9d714bd8p-20, 0x1.d2058dbdd91c7p-21);
      const double terms20 =
          \(name)_cubic(w, w2, -0x1.59437a2abe2a7p-22, 0x1.f46c6f8a1277dp-23, 0x1.4c78224e6cf95p-24, -0x1.a520c1eaa44cp-22);
      const double terms24 =
          \(name)_cubic(w, w2, 0x1.65f89c72af867p-23, 0x1.23eb6fdcc6e55p-23, -0x1.85adf512999e9p-24, -0x1.1c02f652abcbdp-26);
      const double upper = fma(w4, fma(w4, 0x1.fe2cdcce5210fp-27, terms24), terms20);
      const double middle = fma(w4, fma(w4, upper, terms16), terms12);
      return fma(w4, fma(w4, fma(w4, middle, terms8), terms4), terms0);
    }

    /* The scaled tail: exp(t^2 / 2) times the normal distribution function of -t, for t from 0 to 39. */
    \(inline) \(name)_pair \(name)_scaled_tail(double t) {
      const double d = t + 2;
      /* A multiple of 2^-35, so that sums and products of it are exact. It is 1 / (place + 2), and place is t + off. */
      const double inverse = (1 / d + 0x1.8p17) - 0x1.8p17;
      const double remainder = fma(-inverse, t, fma(-inverse, 2, 1));
      const double off = remainder * d;
      const double place = fma(remainder, d, t);
      const double line = fma(inverse, 0x1.32p0, 0x1.86p-2);
      const double rest = \(name)_tail_polynomial(fma(inverse, 4, -0x1.1p0));
      const double sum = line + rest;
      const double sum_low = (line - sum) + rest;
      \(name)_pair result;
      /* The product of two positive numbers, as something that is not fused with the difference in which it is used. */
      result.high = fma(inverse, sum, 0);
      const double slope = fma(place, result.high, -0x1.9884533d43651p-2);
      result.low = fma(-off, slope, fma(inverse, sum_low, fma(inverse, sum, -result.high)));
      return result;
    }


    """
  }

  var normalCDFForFloat: String {
    """
    /* With t = |x|, exp(-t^2 / 2) times the scaled tail, or 1 less that where x is not negative. The sum is rounded to odd,
     * so that rounding it to float cannot tie. */
    \(inline) float \(name)_normal_cdf(float x) {
      double t = \(name)_of_bits(\(name)_bits(x) & 0x7fffffffffffffffu);
      t = 15 < t ? 15 : t;
      double rounded;
      const double rest = \(name)_expm1_reduced(-0.5 * (t * t), &rounded);
      const double power = \(name)_power(rounded);
      const \(name)_pair scaled = \(name)_scaled_tail(t);
      const double high = fma(scaled.high, rest, scaled.high);
      const double low = fma(scaled.high, rest, scaled.high - high) + fma(scaled.low, rest, scaled.low);
      const double whole = x < 0 ? 0 : 1;
      const double factor = x < 0 ? power : -power;
      const double first = fma(factor, high, whole);
      const double second = fma(factor, low, fma(factor, high, whole - first));
      const double sum = first + second;
      const double error = (first - sum) + second;
      const uint64_t is_too_large = (\(name)_bits(error) ^ \(name)_bits(sum)) >> 63;
      return (float)\(name)_of_bits((\(name)_bits(sum) - is_too_large) | 1);
    }


    """
  }

  var normalCDFForDouble: String {
    """
    /* With t = |x|, exp(-t^2 / 2) times the scaled tail, or 1 less that where x is not negative. */
    \(inline) double \(name)_normal_cdf(double x) {
      double t = \(name)_of_bits(\(name)_bits(x) & 0x7fffffffffffffffu);
      t = 39 < t ? 39 : t;
      const double square = t * t;
      const double square_low = fma(t, t, -square);
      const \(name)_reduced reduced = \(name)_reduce(-0.5 * square);
      const double rounding = fma(square_low, -0.5, reduced.rounding);
      \(name)_pair rest = \(name)_expm1_reduced(reduced.argument, rounding);
      rest.low = fma(rounding, rest.high, rest.low);
      const \(name)_powers powers = \(name)_split_power(reduced.rounded);
      const \(name)_pair scaled = \(name)_scaled_tail(t);
      const double high = fma(scaled.high, rest.high, scaled.high);
      const double low = fma(scaled.high, rest.low, fma(scaled.high, rest.high, scaled.high - high));
      const double tail = high + (low + fma(scaled.low, rest.high, scaled.low));
      const double below = tail * powers.first * powers.second;
      return x < 0 ? below : fma(-(powers.first * powers.second), tail, 1);
    }


    """
  }
}
