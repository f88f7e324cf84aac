// Elementary functions in C. The same sequences of operations as Elementary in the module ComputeBackend, which says where
// each comes from; whoever changes one changes the other. The logarithm lies in CSourceLogarithm.swift, the normal
// distribution function in CSourceNormal.swift.

import ComputeBackend

/// The elementary functions of one C file, for one element type.
struct CSourceElementary {
  /// A function that activations need.
  enum Function: String, CaseIterable {
    case exp, expm1, log1p, tanh, sigmoid
    case normalCDF = "normal_cdf"
  }

  /// What names begin with.
  let name: String
  /// The element type.
  let precision: Precision

  var inline: String { "\(name.uppercased())_INLINE" }

  /// These functions, `NAME_tanh` for example, and what they share: nothing that is not used, of which compilers warn.
  func definitions(of functions: Set<Function>) -> String {
    guard !functions.isEmpty else { return "" }
    let isFloat = precision == .f32
    func uses(_ some: Function...) -> Bool { !functions.isDisjoint(with: some) }
    var text = bits
    if functions != [.log1p] {
      text += polynomial
      if !isFloat || uses(.normalCDF) { text += pair }
      text += isFloat ? sharedForFloat : sharedForDouble
    }
    if uses(.expm1, .tanh) || isFloat && uses(.sigmoid, .normalCDF) { text += power }
    if !isFloat {
      if uses(.expm1, .tanh) { text += exponential }
      if uses(.exp, .sigmoid, .normalCDF) { text += splitPower }
      if uses(.tanh, .sigmoid) { text += quotient }
    }
    if uses(.normalCDF) { text += scaledTail }
    for function in Function.allCases where functions.contains(function) { text += definition(of: function) }
    return text
  }

  private func definition(of function: Function) -> String {
    let isFloat = precision == .f32
    return switch function {
    case .exp: isFloat ? expForFloat : expForDouble
    case .log1p: logarithm + (isFloat ? log1pForFloat : log1pForDouble)
    case .expm1: isFloat ? expm1ForFloat : expm1ForDouble
    case .tanh: isFloat ? tanhForFloat : tanhForDouble
    case .sigmoid: isFloat ? sigmoidForFloat : sigmoidForDouble
    case .normalCDF: isFloat ? normalCDFForFloat : normalCDFForDouble
    }
  }

  private var bits: String {
    """
    /* The bits of a double, and the double that has these bits. */
    \(inline) uint64_t \(name)_bits(double x) {
      union { double value; uint64_t bits; } both;
      both.value = x;
      return both.bits;
    }

    \(inline) double \(name)_of_bits(uint64_t bits) {
      union { uint64_t bits; double value; } both;
      both.bits = bits;
      return both.value;
    }


    """
  }

  private var polynomial: String {
    """
    /* (exp(r) - 1 - r) / r^2 - 1/2 + constant for |r| up to ln 2 / 2; r2 is r^2. */
    \(inline) double \(name)_exponential(double r, double r2, double constant) {
      const double r4 = r2 * r2;
      const double terms01 = fma(r, 0x1.5555555555559p-3, constant);
      const double terms23 = fma(r, 0x1.111111110f358p-7, 0x1.5555555553ae2p-5);
      const double terms45 = fma(r, 0x1.a01a01b1d755ep-13, 0x1.6c16c17a0db85p-10);
      const double terms67 = fma(r, 0x1.71ddf2800543ep-19, 0x1.a019b36b6ea61p-16);
      const double terms89 = fma(r, 0x1.af69e44f915c6p-26, 0x1.2897985f6c42fp-22);
      const double upper = fma(r4, terms89, fma(r2, terms67, terms45));
      return fma(r4, upper, fma(r2, terms23, terms01));
    }


    """
  }

  private var pair: String {
    """
    /* Sums of two numbers, the second far smaller. */
    typedef struct { double high, low; } \(name)_pair;


    """
  }

  private var power: String {
    """
    /* 2 to the power of the count that stands in the lowest bits of `rounded`, for exponents of normal numbers. */
    \(inline) double \(name)_power(double rounded) {
      return \(name)_of_bits((\(name)_bits(rounded) << 52) + 0x3ff0000000000000u);
    }


    """
  }

  // MARK: Float

  private var sharedForFloat: String {
    """
    /* exp(x) - 1 less the power of two: x is count ln 2 + r, and the count stands in the lowest bits of *rounded. */
    \(inline) double \(name)_expm1_reduced(double x, double *rounded) {
      *rounded = fma(x, 0x1.71547652b82fep0, 0x1.8p52);
      const double count = *rounded - 0x1.8p52;
      const double r = fma(count, -0x1.ef35793c7673p-45, fma(count, -0x1.62e42fefa38p-1, x));
      const double r2 = r * r;
      return fma(r2, \(name)_exponential(r, r2, 0.5), r);
    }


    """
  }

  private var expForFloat: String {
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

  private var expm1ForFloat: String {
    """
    /* e - 1 with e = exp(x), under the sign of x. */
    \(inline) float \(name)_expm1(float x) {
      double wide = x < -104 ? -104 : x;
      wide = 89 < wide ? 89 : wide;
      double rounded;
      const double rest = \(name)_expm1_reduced(wide, &rounded);
      const double power = \(name)_power(rounded);
      const uint64_t sign = \(name)_bits(x) & 0x8000000000000000u;
      return (float)\(name)_of_bits(\(name)_bits(fma(power, rest, power - 1)) | sign);
    }


    """
  }

  private var tanhForFloat: String {
    """
    /* (e - 1) / (e + 1) with e = exp(2 |x|), under the sign of x. */
    \(inline) float \(name)_tanh(float x) {
      const uint64_t sign = \(name)_bits(x) & 0x8000000000000000u;
      double magnitude = \(name)_of_bits(\(name)_bits(x) ^ sign);
      magnitude = 10 < magnitude ? 10 : magnitude;
      double rounded;
      const double rest = \(name)_expm1_reduced(magnitude + magnitude, &rounded);
      const double power = \(name)_power(rounded);
      const double quotient = fma(power, rest, power - 1) / fma(power, rest, power + 1);
      return (float)\(name)_of_bits(\(name)_bits(quotient) | sign);
    }


    """
  }

  private var sigmoidForFloat: String {
    """
    /* e / (1 + e) with e = exp(x). Near zero x is brought nearer to 0, by less than changes anything but what would be
     * the middle of two floats. */
    \(inline) float \(name)_sigmoid(float x) {
      double wide = x < -104 ? -104 : x;
      wide = 89 < wide ? 89 : wide;
      const double magnitude = \(name)_of_bits(\(name)_bits(wide) & 0x7fffffffffffffffu);
      wide = magnitude < 0x1p-13 ? wide * 0x1.ffffff8p-1 : wide;
      double rounded;
      const double rest = \(name)_expm1_reduced(wide, &rounded);
      const double power = \(name)_power(rounded);
      return (float)(fma(power, rest, power) / fma(power, rest, power + 1));
    }


    """
  }

  // MARK: Double

  private var sharedForDouble: String {
    """
    /* A number as count ln 2 + argument + rounding; the count stands in the lowest bits of `rounded`. */
    typedef struct { double rounded, argument, rounding; } \(name)_reduced;

    \(inline) \(name)_reduced \(name)_reduce(double x) {
      \(name)_reduced result;
      result.rounded = fma(x, 0x1.71547652b82fep0, 0x1.8p52);
      const double count = result.rounded - 0x1.8p52;
      const double unfinished = fma(count, -0x1.62e42fefa38p-1, x);
      result.argument = fma(count, -0x1.ef35793c7673p-45, unfinished);
      result.rounding = fma(count, -0x1.ef35793c7673p-45, unfinished - result.argument);
      return result;
    }

    /* exp(argument + rounding) - 1.
     * Where a sum follows a product by 0.5, fusing them changes nothing: the product is exact, or far too small to count. */
    \(inline) \(name)_pair \(name)_expm1_reduced(double r, double rounding) {
      const double r2 = r * r;
      const double half = 0.5 * r2;
      const double half_low = 0.5 * fma(r, r, -r2);
      const double rest = fma(r2, \(name)_exponential(r, r2, 0), half_low + rounding);
      const double more = half + rest;
      \(name)_pair result;
      result.high = r + more;
      result.low = ((r - result.high) + more) + ((half - more) + rest);
      return result;
    }


    """
  }

  private var exponential: String {
    """
    /* power (1 + rest) + addend, for an addend of 1 or less. */
    \(inline) \(name)_pair \(name)_scaled_plus(double power, \(name)_pair rest, double addend) {
      /* Where the power is large, this sum is itself rounded. */
      const double sum = power + addend;
      const double sum_low = (power - sum) + addend;
      \(name)_pair result;
      result.high = fma(power, rest.high, sum);
      result.low = fma(power, rest.low, fma(power, rest.high, sum - result.high)) + sum_low;
      return result;
    }


    """
  }

  private var splitPower: String {
    """
    /* The power of two as a product of two normal numbers, as it may be none itself. */
    typedef struct { double first, second; } \(name)_powers;

    \(inline) \(name)_powers \(name)_split_power(double rounded) {
      const uint64_t count = \(name)_bits(rounded) - (0x4338000000000000u - 2048);
      const uint64_t half = count >> 1;
      \(name)_powers result;
      result.first = \(name)_of_bits((half - 1) << 52);
      result.second = \(name)_of_bits((count - half - 1) << 52);
      return result;
    }


    """
  }

  private var quotient: String {
    """
    /* The quotient of two sums. */
    \(inline) double \(name)_quotient(\(name)_pair numerator, \(name)_pair denominator) {
      const double inverse = 1 / denominator.high;
      const double quotient = numerator.high * inverse;
      const double remainder = fma(-quotient, denominator.high, numerator.high);
      const double remainder_low = fma(-quotient, denominator.low, numerator.low);
      return fma(remainder + remainder_low, inverse, quotient);
    }


    """
  }

  private var expForDouble: String {
    """
    \(inline) double \(name)_exp(double x) {
      double clamped = x < -746 ? -746 : x;
      clamped = 710 < clamped ? 710 : clamped;
      const \(name)_reduced reduced = \(name)_reduce(clamped);
      const \(name)_pair rest = \(name)_expm1_reduced(reduced.argument, reduced.rounding);
      const double high = 1 + rest.high;
      const double low = ((1 - high) + rest.high) + rest.low;
      const \(name)_powers powers = \(name)_split_power(reduced.rounded);
      return (high + low) * powers.first * powers.second;
    }


    """
  }

  private var expm1ForDouble: String {
    """
    /* Twice (e - 1) / 2 with e = exp(x): the half of e is finite where e is just not. What is near zero is its own result. */
    \(inline) double \(name)_expm1(double x) {
      double clamped = x < -40 ? -40 : x;
      clamped = 710 < clamped ? 710 : clamped;
      const \(name)_reduced reduced = \(name)_reduce(clamped);
      \(name)_pair rest = \(name)_expm1_reduced(reduced.argument, reduced.rounding);
      rest.low = fma(reduced.rounding, rest.high, rest.low);
      const \(name)_pair halves = \(name)_scaled_plus(\(name)_power(reduced.rounded - 1), rest, -0.5);
      const double half = halves.high + halves.low;
      const double magnitude = \(name)_of_bits(\(name)_bits(x) & 0x7fffffffffffffffu);
      return magnitude < 0x1p-54 ? x : half + half;
    }


    """
  }

  private var tanhForDouble: String {
    """
    /* (e - 1) / (e + 1) with e = exp(2 |x|), under the sign of x. */
    \(inline) double \(name)_tanh(double x) {
      const uint64_t sign = \(name)_bits(x) & 0x8000000000000000u;
      double magnitude = \(name)_of_bits(\(name)_bits(x) ^ sign);
      magnitude = 20 < magnitude ? 20 : magnitude;
      const \(name)_reduced reduced = \(name)_reduce(magnitude + magnitude);
      const \(name)_pair rest = \(name)_expm1_reduced(reduced.argument, reduced.rounding);
      const double power = \(name)_power(reduced.rounded);
      const \(name)_pair numerator = \(name)_scaled_plus(power, rest, -1);
      const \(name)_pair denominator = \(name)_scaled_plus(power, rest, 1);
      return \(name)_of_bits(\(name)_bits(\(name)_quotient(numerator, denominator)) | sign);
    }


    """
  }

  private var sigmoidForDouble: String {
    """
    /* With e = exp(-|x|): 1 / (1 + e), or e / (1 + e) where x is negative. */
    \(inline) double \(name)_sigmoid(double x) {
      double magnitude = \(name)_of_bits(\(name)_bits(x) & 0x7fffffffffffffffu);
      magnitude = 746 < magnitude ? 746 : magnitude;
      const \(name)_reduced reduced = \(name)_reduce(-magnitude);
      const \(name)_pair rest = \(name)_expm1_reduced(reduced.argument, reduced.rounding);
      \(name)_pair mantissa;
      mantissa.high = 1 + rest.high;
      mantissa.low = ((1 - mantissa.high) + rest.high) + rest.low;
      const \(name)_powers powers = \(name)_split_power(reduced.rounded);
      const double power = powers.first * powers.second;
      \(name)_pair numerator, denominator;
      denominator.high = fma(power, mantissa.high, 1);
      denominator.low = fma(power, mantissa.low, fma(power, mantissa.high, 1 - denominator.high));
      numerator.high = x < 0 ? mantissa.high : 1;
      numerator.low = x < 0 ? mantissa.low : 0;
      return \(name)_quotient(numerator, denominator) * (x < 0 ? powers.first : 1) * (x < 0 ? powers.second : 1);
    }


    """
  }
}
