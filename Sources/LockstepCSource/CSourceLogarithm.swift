// The logarithm of 1 + x in C. The same sequence of operations as Elementary in the module ComputeBackend, which says where
// it comes from; whoever changes one changes the other. Other functions lie in CSourceElementary.swift.
//
// Where a product is followed by a sum, a call of fma with 0 rounds it, so that no compiler can fuse the two.

extension CSourceElementary {
  /// What both types share. For `float` the sum is rounded to odd.
  var logarithm: String {
    let isFloat = precision == .f32
    let sum =
      """
        const double result = sum + correction;
        const double error = (sum - result) + correction;
        const uint64_t is_too_large = (\(name)_bits(error) ^ \(name)_bits(result)) >> 63;
        return \(name)_of_bits((\(name)_bits(result) - is_too_large) | 1);
      """
    return """
      /* log(1 + f) + count ln 2 + low, for 1 + f from sqrt(1/2) to sqrt(2)\(isFloat ? ", rounded to odd" : ""). */
      \(inline) double \(name)_logarithm(double f, double minus_count, double low) {
        const double s = f / (2 + f);
        const double z = s * s;
        const double z2 = z * z;
        const double z4 = z2 * z2;
        const double terms12 = fma(z, 0x1.999999997ff22p-2, 0x1.5555555555592p-1);
        const double terms34 = fma(z, 0x1.c71c5214c6822p-3, 0x1.24924941e0bddp-2);
        const double terms56 = fma(z, 0x1.39a1ea84a2704p-3, 0x1.74663cd86ceaap-3);
        const double terms567 = fma(z2, 0x1.2f03accd6ec87p-3, terms56);
        const double polynomial = fma(z, fma(z4, terms567, fma(z2, terms34, terms12)), 0);
        const double half_square = 0.5 * fma(f, f, 0);
        const double rest = fma(s, half_square + polynomial, fma(minus_count, -0x1.ef35793c7673p-45, low));
        const double whole = minus_count * -0x1.62e42fefa38p-1;
        const double sum = whole + f;
        const double correction = ((whole - sum) + f) - (half_square - rest);
      \(isFloat ? sum : "  return sum + correction;")
      }

      /* Takes 1 + x apart: the mantissa, and -count, where it is the mantissa times 2 to the count. */
      \(inline) double \(name)_mantissa(double sum, double *minus_count) {
        const uint64_t shifted = \(name)_bits(sum) + (0x3ff0000000000000u - 0x3fe6a09e00000000u);
        *minus_count = (0x1p52 + 1023) - \(name)_of_bits((shifted >> 52) | 0x4330000000000000u);
        return \(name)_of_bits((shifted & 0x000fffffffffffffu) + 0x3fe6a09e00000000u);
      }


      """
  }

  var log1pForFloat: String {
    """
    \(inline) float \(name)_log1p(float x) {
      const double wide = x;
      const double magnitude = \(name)_of_bits(\(name)_bits(wide) & 0x7fffffffffffffffu);
      double minus_count;
      const double mantissa_part = \(name)_mantissa(1 + wide, &minus_count) - 1;
      /* Where 1 + x is rounded, x is far below 1/4, or so large that the 1 does not matter. */
      const double sum = \(name)_logarithm(magnitude < 0.25 ? wide : mantissa_part, minus_count, 0);
      const float value = (float)\(name)_of_bits(\(name)_bits(sum) | (\(name)_bits(wide) & 0x8000000000000000u));
      return x < INFINITY ? (-1 < x ? value : x < -1 ? NAN : -INFINITY) : x;
    }


    """
  }

  var log1pForDouble: String {
    """
    \(inline) double \(name)_log1p(double x) {
      const double sum = 1 + x;
      const double back = sum - 1;
      const double rounding = (1 - (sum - back)) + (x - back);
      double minus_count;
      const double mantissa = \(name)_mantissa(sum, &minus_count);
      const double mantissa_part = mantissa - 1;
      /* What the rounding of 1 + x lost, in the scale of the mantissa; twice that scale, as its exponent may be the greatest. */
      const uint64_t exponent = (\(name)_bits(sum) - \(name)_bits(mantissa)) + 0x3ff0000000000000u;
      const double lost = rounding * \(name)_of_bits(0x7ff0000000000000u - exponent) * 0.5;
      const double f = mantissa_part + lost;
      /* Times the slope of the logarithm. */
      const double low = (lost - (f - mantissa_part)) * fma(f, -0.7, 1);
      const double result = \(name)_logarithm(f, minus_count, low);
      const double value = \(name)_of_bits(\(name)_bits(result) | (\(name)_bits(x) & 0x8000000000000000u));
      return x < INFINITY ? (-1 < x ? value : x < -1 ? NAN : -INFINITY) : x;
    }


    """
  }
}
