// softplus in C, and the exp and log1p that it is made of. The same sequences of operations as Elementary in the module
// ComputeBackend, which says where each comes from; whoever changes one changes the other. What tanh and sigmoid need lies in
// CSourceElementary.swift.
//
// Where a product is followed by a sum, a call of fma with 0 rounds it, so that no compiler can fuse the two.

extension CSourceElementary {
  /// `NAME_softplus`, and what it needs beside the shared functions.
  var softplus: String {
    switch precision {
    case .f32: exponentialForFloat + logarithm + logarithmForFloat + softplusItself
    case .f64: exponentialForDouble + logarithm + logarithmForDouble + softplusItself
    }
  }

  private var softplusItself: String {
    """
    \(inline) \(precision.cType) \(name)_softplus(\(precision.cType) x) {
      return (x < 0 ? 0 : x) + \(name)_log1p(\(name)_exp(x < 0 ? x : -x));
    }


    """
  }

  /// What log1p shares between both types. For `float` the sum is rounded to odd.
  private var logarithm: String {
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

  // MARK: Float

  private var exponentialForFloat: String {
    """
    \(inline) float \(name)_exp(float x) {
      double wide = x < -104 ? -104 : x;
      wide = 89 < wide ? 89 : wide;
      double rounded;
      const double mantissa = 1 + \(name)_expm1_reduced(wide, &rounded);
      return (float)\(name)_of_bits(\(name)_bits(mantissa) + (\(name)_bits(rounded) << 52));
    }


    """
  }

  private var logarithmForFloat: String {
    """
    /* log(1 + x) for x from 0 to 1; NaN gives NaN. */
    \(inline) float \(name)_log1p(float x) {
      double minus_count;
      const double mantissa = \(name)_mantissa(1 + (double)x, &minus_count);
      const double f = x < 0.25f ? x : mantissa - 1;
      return x <= 1 ? (float)\(name)_logarithm(f, minus_count, 0) : x;
    }


    """
  }

  // MARK: Double

  private var exponentialForDouble: String {
    """
    \(inline) double \(name)_exp(double x) {
      x = x < -746 ? -746 : x;
      x = 710 < x ? 710 : x;
      double rounded;
      const \(name)_pair rest = \(name)_expm1_reduced(x, &rounded);
      const double high = 1 + rest.high;
      const double low = ((1 - high) + rest.high) + rest.low;
      /* The power of two as a product of two normal numbers, as it may be none itself. */
      const uint64_t count = \(name)_bits(rounded) - (0x4338000000000000u - 2048);
      const uint64_t half = count >> 1;
      return (high + low) * \(name)_of_bits((half - 1) << 52) * \(name)_of_bits((count - half - 1) << 52);
    }


    """
  }

  private var logarithmForDouble: String {
    """
    /* log(1 + x) for x from 0 to 1; NaN gives NaN. */
    \(inline) double \(name)_log1p(double x) {
      const double sum = 1 + x;
      const double back = sum - 1;
      double minus_count;
      const double mantissa_part = \(name)_mantissa(sum, &minus_count) - 1;
      /* What the rounding of 1 + x lost, in the scale of the mantissa, and times the slope of the logarithm. */
      const double scale = minus_count < 0 ? 0.5 : 1;
      const double lost = ((1 - (sum - back)) + (x - back)) * scale;
      const double f = mantissa_part + lost;
      const double low = (lost - (f - mantissa_part)) * fma(f, -0.7, 1);
      return x <= 1 ? \(name)_logarithm(f, minus_count, low) : x;
    }


    """
  }
}
