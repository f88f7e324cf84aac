// The sequences of operations of log and log1p. exp, tanh and sigmoid are in ElementaryExponential.swift.

extension Elementary {
  /// (log(1 + f) - 2s) / s where s = f / (2 + f) and z = s², for 1 + f in [√½, √2].
  ///
  /// log(1 + f) is 2 artanh(s) = 2s + s (2z/3 + 2z²/5 + ...); the polynomial is within 2⁻⁵⁸ of that bracket.
  @inlinable @inline(__always)
  static func logarithmPolynomial<Wide: DoubleVector>(_ z: Wide) -> Wide {
    let z2 = z * z
    let z4 = z2 * z2
    let terms12 = Wide.fma(z, Wide(repeating: 0x1.999999997ff22p-2), Wide(repeating: 0x1.5555555555592p-1))
    let terms34 = Wide.fma(z, Wide(repeating: 0x1.c71c5214c6822p-3), Wide(repeating: 0x1.24924941e0bddp-2))
    let terms56 = Wide.fma(z, Wide(repeating: 0x1.39a1ea84a2704p-3), Wide(repeating: 0x1.74663cd86ceaap-3))
    let terms567 = Wide.fma(z2, Wide(repeating: 0x1.2f03accd6ec87p-3), terms56)
    let lower = Wide.fma(z2, terms34, terms12)
    return z * Wide.fma(z4, terms567, lower)
  }

  /// log(1 + f) + count ln 2 + `low` as a sum of two numbers, the second far smaller.
  ///
  /// The leading term f stays exact: with s = f / (2 + f), 2s is f - s f, and s f is f²/2 - s f²/2.
  @inlinable @inline(__always)
  static func splitLogarithm<Wide: DoubleVector>(
    _ f: Wide, minusCount: Wide, low: Wide
  ) -> (high: Wide, low: Wide) {
    let s = f / (Wide(repeating: 2) + f)
    let halfSquare = Wide(repeating: 0.5) * f * f
    let smallPart = Wide.fma(minusCount, -ln2Low(), low)
    let rest = Wide.fma(s, halfSquare + logarithmPolynomial(s * s), smallPart)
    let whole = minusCount * -ln2High()
    let sum = whole + f
    let correction = ((whole - sum) + f) - (halfSquare - rest)
    return (sum, correction)
  }

  /// high + low rounded to odd: of the two neighbours of a sum that is no double, the one whose last bit is 1.
  ///
  /// Rounding that to `Float` is the same as rounding the exact sum, where the nearest double might have been the middle
  /// of two floats. No sum at hand is such a middle itself, therefore the last bit is always set.
  @inlinable @inline(__always)
  static func sumRoundedToOdd<Wide: DoubleVector>(_ high: Wide, _ low: Wide) -> Wide {
    let sum = high + low
    let error = (high - sum) + low
    let isTooLarge = Wide.shiftRight(Wide.xor(error.bits, sum.bits), by: 63)
    return Wide(bits: Wide.or(Wide.subtract(sum.bits, isTooLarge), Wide.bits(repeating: 1)))
  }

  /// The bits of √½, rounded in its upper half: mantissas are taken from there up to twice that.
  @inlinable @inline(__always)
  static var smallestMantissa: UInt64 { 0x3fe6_a09e_0000_0000 }

  /// Takes x = m 2^count apart.
  ///
  /// - Returns: m - 1, -count, and the exponent field that belongs to count.
  @inlinable @inline(__always)
  static func decomposed<Wide: DoubleVector>(_ x: Wide) -> (f: Wide, minusCount: Wide, exponent: Wide.Bits) {
    let shifted = Wide.add(x.bits, Wide.bits(repeating: 0x3ff0_0000_0000_0000 - smallestMantissa))
    let significand = Wide.and(shifted, Wide.bits(repeating: 0x000f_ffff_ffff_ffff))
    let mantissa = Wide(bits: Wide.add(significand, Wide.bits(repeating: smallestMantissa)))
    // An integer below 2⁵² in the lowest bits of 2⁵² makes the sum of both.
    let biased = Wide.or(Wide.shiftRight(shifted, by: 52), Wide.bits(repeating: 0x4330_0000_0000_0000))
    let minusCount = Wide(repeating: 0x1p52 + 1023) - Wide(bits: biased)
    return (mantissa - one(), minusCount, Wide.and(shifted, Wide.bits(repeating: 0xfff0_0000_0000_0000)))
  }

  /// The value, except where x is not between the pole and infinity.
  @inlinable @inline(__always)
  static func logarithm<Vector: KernelVector>(_ value: Vector, of x: Vector, pole: Vector) -> Vector {
    let outside = Vector.select(
      Vector.less(x, pole), Vector(repeating: .nan), Vector(repeating: -Vector.Element.infinity))
    let inside = Vector.select(Vector.less(pole, x), value, outside)
    return Vector.select(Vector.less(x, Vector(repeating: .infinity)), inside, x)
  }
}

// MARK: - Float

extension Elementary {
  @inlinable @inline(__always)
  static func logForFloat<Wide: DoubleVector>(_ x: Wide) -> Wide {
    let (f, minusCount, _) = decomposed(x)
    let (high, low) = splitLogarithm(f, minusCount: minusCount, low: .zero)
    return sumRoundedToOdd(high, low)
  }

  @inlinable @inline(__always)
  static func log1pForFloat<Wide: DoubleVector>(_ x: Wide) -> Wide {
    let (mantissaPart, minusCount, _) = decomposed(one() + x)
    let sign = signBits(x)
    let magnitude = Wide(bits: Wide.xor(x.bits, sign))
    // Where 1 + x is rounded, x is far below 1/4, or so large that the 1 does not matter.
    let f = Wide.select(Wide.less(magnitude, Wide(repeating: 0.25)), x, mantissaPart)
    let (high, low) = splitLogarithm(f, minusCount: minusCount, low: .zero)
    return Wide(bits: Wide.or(sumRoundedToOdd(high, low).bits, sign))
  }
}

// MARK: - Double

extension Elementary {
  @inlinable @inline(__always)
  static func logForDouble<Wide: DoubleVector>(_ x: Wide) -> Wide {
    let isSubnormal = Wide.less(x, Wide(repeating: 0x1p-1022))
    let normal = Wide.select(isSubnormal, x * Wide(repeating: 0x1p54), x)
    let (f, minusCount, _) = decomposed(normal)
    let scale = Wide.select(isSubnormal, Wide(repeating: 54), .zero)
    let (high, low) = splitLogarithm(f, minusCount: minusCount + scale, low: .zero)
    return high + low
  }

  @inlinable @inline(__always)
  static func log1pForDouble<Wide: DoubleVector>(_ x: Wide) -> Wide {
    let sum = one() + x
    let back = sum - one()
    let rounding = (one() - (sum - back)) + (x - back)
    let (mantissaPart, minusCount, exponent) = decomposed(sum)
    // What the rounding of 1 + x lost, in the scale of the mantissa. The scale is doubled, as its exponent may be the
    // greatest there is.
    let doubleScale = Wide(bits: Wide.subtract(Wide.bits(repeating: 0x7ff0_0000_0000_0000), exponent))
    let lost = rounding * doubleScale * Wide(repeating: 0.5)
    let f = mantissaPart + lost
    // The derivative of the logarithm, 1 / (1 + f), to as many bits as this needs.
    let slope = Wide.fma(f, Wide(repeating: -0.7), one())
    let low = (lost - (f - mantissaPart)) * slope
    let (high, correction) = splitLogarithm(f, minusCount: minusCount, low: low)
    return Wide(bits: Wide.or((high + correction).bits, signBits(x)))
  }
}
