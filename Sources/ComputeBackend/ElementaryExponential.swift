// The sequences of operations of exp, expm1, tanh and sigmoid: all reduce their argument to ±ln 2 / 2 and share a
// polynomial. The logarithms are in ElementaryLogarithm.swift, the normal distribution function is in ElementaryNormal.swift.

extension Elementary {
  /// Adding it to a number far smaller rounds that to an integer, which then stands in the lowest bits of the sum.
  @inlinable @inline(__always)
  static func rounder<Wide: DoubleVector>() -> Wide { Wide(repeating: 0x1.8p52) }

  /// The leading 42 bits of ln 2, so that its product with an exponent is exact.
  @inlinable @inline(__always)
  static func ln2High<Wide: DoubleVector>() -> Wide { Wide(repeating: 0x1.62e42fefa38p-1) }

  /// ln 2 less ``ln2High()``.
  @inlinable @inline(__always)
  static func ln2Low<Wide: DoubleVector>() -> Wide { Wide(repeating: 0x1.ef35793c7673p-45) }

  @inlinable @inline(__always)
  static func one<Wide: DoubleVector>() -> Wide { Wide(repeating: 1) }

  @inlinable @inline(__always)
  static func signBits<Wide: DoubleVector>(_ x: Wide) -> Wide.Bits {
    Wide.and(x.bits, Wide.bits(repeating: 0x8000_0000_0000_0000))
  }

  /// Reduces the argument: x = count ln 2 + argument + rounding, where |argument| is at most ln 2 / 2.
  ///
  /// - Returns: ``rounder()`` + count, the argument, and what its rounding lost.
  @inlinable @inline(__always)
  static func reduced<Wide: DoubleVector>(_ x: Wide) -> (rounded: Wide, argument: Wide, rounding: Wide) {
    let rounded = Wide.fma(x, Wide(repeating: 0x1.71547652b82fep0), rounder())
    let count = rounded - rounder()
    let unfinished = Wide.fma(count, -ln2High(), x)
    let argument = Wide.fma(count, -ln2Low(), unfinished)
    let rounding = Wide.fma(count, -ln2Low(), unfinished - argument)
    return (rounded, argument, rounding)
  }

  /// (exp(r) - 1 - r) / r² - 1/2 + `constant`, for |r| up to ln 2 / 2.
  ///
  /// The polynomial 1 + r + r² (1/2 + ...) of degree 11 is within 2⁻⁵⁶ of exp(r), and its part without the 1 is within
  /// 2⁻⁵⁵ of exp(r) - 1, relative to that.
  @inlinable @inline(__always)
  static func exponentialPolynomial<Wide: DoubleVector>(_ r: Wide, square r2: Wide, constant: Double) -> Wide {
    let r4 = r2 * r2
    let terms01 = Wide.fma(r, Wide(repeating: 0x1.5555555555559p-3), Wide(repeating: constant))
    let terms23 = Wide.fma(r, Wide(repeating: 0x1.111111110f358p-7), Wide(repeating: 0x1.5555555553ae2p-5))
    let terms45 = Wide.fma(r, Wide(repeating: 0x1.a01a01b1d755ep-13), Wide(repeating: 0x1.6c16c17a0db85p-10))
    let terms67 = Wide.fma(r, Wide(repeating: 0x1.71ddf2800543ep-19), Wide(repeating: 0x1.a019b36b6ea61p-16))
    let terms89 = Wide.fma(r, Wide(repeating: 0x1.af69e44f915c6p-26), Wide(repeating: 0x1.2897985f6c42fp-22))
    let lower = Wide.fma(r2, terms23, terms01)
    let upper = Wide.fma(r4, terms89, Wide.fma(r2, terms67, terms45))
    return Wide.fma(r4, upper, lower)
  }

  /// 2 to the count, which must be the exponent of a normal number.
  @inlinable @inline(__always)
  static func power<Wide: DoubleVector>(rounded: Wide) -> Wide {
    Wide(bits: Wide.add(Wide.shiftLeft(rounded.bits, by: 52), (one() as Wide).bits))
  }
}

// MARK: - Float

extension Elementary {
  /// exp(r) - 1 for a reduced argument.
  @inlinable @inline(__always)
  static func expm1OfReduced<Wide: DoubleVector>(_ r: Wide) -> Wide {
    let r2 = r * r
    return Wide.fma(r2, exponentialPolynomial(r, square: r2, constant: 0.5), r)
  }

  /// `x` in the range outside which exp, expm1 and sigmoid of a `Float` no longer change.
  @inlinable @inline(__always)
  static func clampedForFloat<Vector: KernelVector>(_ x: Vector) -> Vector.Wide {
    let least = Vector(repeating: -104)
    let greatest = Vector(repeating: 89)
    let raised = Vector.select(Vector.less(x, least), least, x)
    return Vector.select(Vector.less(greatest, raised), greatest, raised).wide
  }

  @inlinable @inline(__always)
  static func expForFloat<Vector: KernelVector>(_ x: Vector) -> Vector {
    typealias Wide = Vector.Wide
    let (rounded, argument, _) = reduced(clampedForFloat(x))
    let mantissa = one() + expm1OfReduced(argument)
    return Vector(rounding: Wide(bits: Wide.add(mantissa.bits, Wide.shiftLeft(rounded.bits, by: 52))))
  }

  @inlinable @inline(__always)
  static func expm1ForFloat<Vector: KernelVector>(_ x: Vector) -> Vector {
    typealias Wide = Vector.Wide
    let (rounded, argument, _) = reduced(clampedForFloat(x))
    let power = power(rounded: rounded)
    let value = Wide.fma(power, expm1OfReduced(argument), power - one())
    return Vector(rounding: Wide(bits: Wide.or(value.bits, signBits(x.wide))))
  }

  /// e / (1 + e) with e = exp(x).
  @inlinable @inline(__always)
  static func sigmoidForFloat<Vector: KernelVector>(_ x: Vector) -> Vector {
    typealias Wide = Vector.Wide
    var wide = clampedForFloat(x)
    // Near zero 1/2 + x/4 may be the middle of two floats, and what lies beyond too small for a double: then 1/2 + x/4
    // would be rounded to even, but the sigmoid is nearer to 1/2. So x is brought nearer to 0, by less than changes
    // anything else.
    let magnitude = Wide(bits: Wide.xor(wide.bits, signBits(wide)))
    let nearer = wide * Wide(repeating: 0x1.ffffff8p-1)
    wide = Wide.select(Wide.less(magnitude, Wide(repeating: 0x1p-13)), nearer, wide)
    let (rounded, argument, _) = reduced(wide)
    let power = power(rounded: rounded)
    let rest = expm1OfReduced(argument)
    return Vector(rounding: Wide.fma(power, rest, power) / Wide.fma(power, rest, power + one()))
  }

  /// (e - 1) / (e + 1) with e = exp(2 |x|), under the sign of x.
  @inlinable @inline(__always)
  static func tanhForFloat<Wide: DoubleVector>(_ x: Wide) -> Wide {
    let sign = signBits(x)
    let greatest = Wide(repeating: 10)
    var magnitude = Wide(bits: Wide.xor(x.bits, sign))
    magnitude = Wide.select(Wide.less(greatest, magnitude), greatest, magnitude)
    let (rounded, argument, _) = reduced(magnitude + magnitude)
    let power = power(rounded: rounded)
    let rest = expm1OfReduced(argument)
    let quotient = Wide.fma(power, rest, power - one()) / Wide.fma(power, rest, power + one())
    return Wide(bits: Wide.or(quotient.bits, sign))
  }
}

// MARK: - Double

extension Elementary {
  /// exp(r + rounding) - 1 for a reduced argument, as a sum of two numbers, the second far smaller.
  @inlinable @inline(__always)
  static func expm1OfReducedForDouble<Wide: DoubleVector>(
    argument r: Wide, rounding: Wide
  ) -> (high: Wide, low: Wide) {
    let r2 = r * r
    let half = Wide(repeating: 0.5) * r2
    let halfLow = Wide(repeating: 0.5) * Wide.fma(r, r, -r2)
    let rest = Wide.fma(r2, exponentialPolynomial(r, square: r2, constant: 0), halfLow + rounding)
    let more = half + rest
    let high = r + more
    let low = ((r - high) + more) + ((half - more) + rest)
    return (high, low)
  }

  /// ``expm1OfReducedForDouble(argument:rounding:)`` with the product of exp(r) - 1 and the rounding, which does not matter
  /// where a 1 is added.
  @inlinable @inline(__always)
  static func accurateExpm1OfReduced<Wide: DoubleVector>(
    argument: Wide, rounding: Wide
  ) -> (high: Wide, low: Wide) {
    let (high, low) = expm1OfReducedForDouble(argument: argument, rounding: rounding)
    return (high, Wide.fma(rounding, high, low))
  }

  /// `power` · (1 + `rest`) + `addend` as a sum of two numbers, the second far smaller; the addend is at most 1.
  @inlinable @inline(__always)
  static func exponential<Wide: DoubleVector>(
    power: Wide, rest: (high: Wide, low: Wide), plus addend: Wide
  ) -> (high: Wide, low: Wide) {
    // From 2⁵³ on, this sum is itself rounded.
    let sum = power + addend
    let sumLow = (power - sum) + addend
    let high = Wide.fma(power, rest.high, sum)
    let rounding = Wide.fma(power, rest.high, sum - high)
    let low = Wide.fma(power, rest.low, rounding) + sumLow
    return (high, low)
  }

  /// 2 to the count as a product of two normal numbers, for counts outside the exponents of normal numbers.
  @inlinable @inline(__always)
  static func splitPower<Wide: DoubleVector>(rounded: Wide) -> (first: Wide, second: Wide) {
    let shifted = Wide.subtract(rounded.bits, Wide.bits(repeating: (0x1.8p52).bitPattern - 2048))
    let half = Wide.shiftRight(shifted, by: 1)
    let one = Wide.bits(repeating: 1)
    let first = Wide.shiftLeft(Wide.subtract(half, one), by: 52)
    let second = Wide.shiftLeft(Wide.subtract(Wide.subtract(shifted, half), one), by: 52)
    return (Wide(bits: first), Wide(bits: second))
  }

  /// exp(x) as a sum of two numbers times a product of two powers of two.
  @inlinable @inline(__always)
  static func splitExponential<Wide: DoubleVector>(
    _ x: Wide
  ) -> (high: Wide, low: Wide, first: Wide, second: Wide) {
    let (rounded, argument, rounding) = reduced(x)
    let rest = expm1OfReducedForDouble(argument: argument, rounding: rounding)
    let high = one() + rest.high
    let low = ((one() - high) + rest.high) + rest.low
    let (first, second) = splitPower(rounded: rounded)
    return (high, low, first, second)
  }

  /// The quotient of two sums.
  @inlinable @inline(__always)
  static func quotient<Wide: DoubleVector>(
    _ numerator: Wide, _ numeratorLow: Wide, _ denominator: Wide, _ denominatorLow: Wide
  ) -> Wide {
    let inverse = one() / denominator
    let quotient = numerator * inverse
    let remainder = Wide.fma(-quotient, denominator, numerator)
    let remainderLow = Wide.fma(-quotient, denominatorLow, numeratorLow)
    return Wide.fma(remainder + remainderLow, inverse, quotient)
  }

  @inlinable @inline(__always)
  static func expForDouble<Wide: DoubleVector>(_ x: Wide) -> Wide {
    let least = Wide(repeating: -746)
    let greatest = Wide(repeating: 710)
    let raised = Wide.select(Wide.less(x, least), least, x)
    let (high, low, first, second) = splitExponential(Wide.select(Wide.less(greatest, raised), greatest, raised))
    return (high + low) * first * second
  }

  /// Twice (e - 1) / 2 with e = exp(x): the half of e is finite where e is just not.
  @inlinable @inline(__always)
  static func expm1ForDouble<Wide: DoubleVector>(_ x: Wide) -> Wide {
    let least = Wide(repeating: -40)
    let greatest = Wide(repeating: 710)
    let raised = Wide.select(Wide.less(x, least), least, x)
    let (rounded, argument, rounding) = reduced(Wide.select(Wide.less(greatest, raised), greatest, raised))
    let rest = accurateExpm1OfReduced(argument: argument, rounding: rounding)
    let halfPower = power(rounded: rounded - one())
    let (high, low) = exponential(power: halfPower, rest: rest, plus: Wide(repeating: -0.5))
    let half = high + low
    // Nearer to zero expm1 is the identity, and half of a subnormal number would be rounded.
    let magnitude = Wide(bits: Wide.xor(x.bits, signBits(x)))
    return Wide.select(Wide.less(magnitude, Wide(repeating: 0x1p-54)), x, half + half)
  }

  /// With e = exp(-|x|): 1 / (1 + e), or e / (1 + e) where x is negative.
  @inlinable @inline(__always)
  static func sigmoidForDouble<Wide: DoubleVector>(_ x: Wide) -> Wide {
    let greatest = Wide(repeating: 746)
    var magnitude = Wide(bits: Wide.xor(x.bits, signBits(x)))
    magnitude = Wide.select(Wide.less(greatest, magnitude), greatest, magnitude)
    let (high, low, first, second) = splitExponential(-magnitude)
    let power = first * second
    let denominator = Wide.fma(power, high, one())
    let denominatorRounding = Wide.fma(power, high, one() - denominator)
    let denominatorLow = Wide.fma(power, low, denominatorRounding)
    let isNegative = Wide.less(x, .zero)
    let numerator = Wide.select(isNegative, high, one())
    let numeratorLow = Wide.select(isNegative, low, .zero)
    let ratio = quotient(numerator, numeratorLow, denominator, denominatorLow)
    return ratio * Wide.select(isNegative, first, one()) * Wide.select(isNegative, second, one())
  }

  /// (e - 1) / (e + 1) with e = exp(2 |x|), under the sign of x.
  @inlinable @inline(__always)
  static func tanhForDouble<Wide: DoubleVector>(_ x: Wide) -> Wide {
    let sign = signBits(x)
    let greatest = Wide(repeating: 20)
    var magnitude = Wide(bits: Wide.xor(x.bits, sign))
    magnitude = Wide.select(Wide.less(greatest, magnitude), greatest, magnitude)
    let (rounded, argument, rounding) = reduced(magnitude + magnitude)
    let rest = expm1OfReducedForDouble(argument: argument, rounding: rounding)
    let power = power(rounded: rounded)
    let (numerator, numeratorLow) = exponential(power: power, rest: rest, plus: Wide(repeating: -1))
    let (denominator, denominatorLow) = exponential(power: power, rest: rest, plus: one())
    let ratio = quotient(numerator, numeratorLow, denominator, denominatorLow)
    return Wide(bits: Wide.or(ratio.bits, sign))
  }
}
