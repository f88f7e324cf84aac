// The sequences of operations of the normal distribution function. What it shares with the exponential is in
// ElementaryExponential.swift.
//
// Φ(-t) for t = |x| is exp(-t²/2) R(t), and Φ(t) is 1 - Φ(-t). R falls from 1/2 to 0 as slowly as 1/t: it is Mills' ratio
// divided by √(2π).

extension Elementary {
  /// c0 + c1 x + c2 x² + c3 x³.
  @inlinable @inline(__always)
  static func cubic<Wide: DoubleVector>(
    _ x: Wide, square x2: Wide, _ c0: Double, _ c1: Double, _ c2: Double, _ c3: Double
  ) -> Wide {
    let terms01 = Wide.fma(x, Wide(repeating: c1), Wide(repeating: c0))
    let terms23 = Wide.fma(x, Wide(repeating: c3), Wide(repeating: c2))
    return Wide.fma(x2, terms23, terms01)
  }

  /// (t + 2) R(t) less the line of ``scaledTail(_:)``, for t from 0 to 39, where w = 4 / (t + 2) - 17/16.
  ///
  /// (t + 2) R(t) goes from 1 down to 0.4 almost straight in 1 / (t + 2), so that the line leaves 2.5 % of it at most,
  /// and the rounding of this polynomial matters as little. It is within 2⁻⁵⁷ of what it stands for, found by
  ///
  ///     T = 4 / (x + 17/16) - 2;
  ///     f = exp(T^2 / 2) * erfc(T / sqrt(2)) / 2 * (T + 2) - 0x1.86p-2 - 0x1.32p0 / (T + 2);
  ///     fpminimax(f, 28, [|D...|], [4/41 - 17/16; 15/16 + 0.0014], absolute);
  ///
  /// whose interval goes on until there is no error at t = 0.
  @inlinable @inline(__always)
  static func tailPolynomial<Wide: DoubleVector>(_ w: Wide) -> Wide {
    let w2 = w * w
    let w4 = w2 * w2
    let terms0 = cubic(
      w, square: w2, -0x1.50da1100cb79bp-8, 0x1.24d43e810fc88p-5, 0x1.671927f476246p-6, -0x1.2bb00d5d96213p-5)
    let terms4 = cubic(
      w, square: w2, 0x1.8c4c99a3c42a8p-10, 0x1.8543efcc47709p-8, -0x1.217fad37db0ebp-9, -0x1.a70015132b827p-12)
    let terms8 = cubic(
      w, square: w2, 0x1.6c831db2bd4d1p-11, -0x1.0a925bb562d27p-12, -0x1.4be820f2939eap-15, 0x1.84f738d7143b4p-14)
    let terms12 = cubic(
      w, square: w2, -0x1.8eba62ba850a8p-15, 0x1.2f7d288b61263p-18, 0x1.788389a6a646fp-17, -0x1.4163d9b0fac3cp-17)
    let terms16 = cubic(
      w, square: w2, 0x1.e154c015dfa32p-19, 0x1.eedf059049ddp-22, -0x1.93b8b9d714bd8p-20, 0x1.d2058dbdd91c7p-21)
    let terms20 = cubic(
      w, square: w2, -0x1.59437a2abe2a7p-22, 0x1.f46c6f8a1277dp-23, 0x1.4c78224e6cf95p-24, -0x1.a520c1eaa44cp-22)
    let terms24 = cubic(
      w, square: w2, 0x1.65f89c72af867p-23, 0x1.23eb6fdcc6e55p-23, -0x1.85adf512999e9p-24, -0x1.1c02f652abcbdp-26)
    let upper = Wide.fma(w4, Wide.fma(w4, Wide(repeating: 0x1.fe2cdcce5210fp-27), terms24), terms20)
    let middle = Wide.fma(w4, Wide.fma(w4, upper, terms16), terms12)
    return Wide.fma(w4, Wide.fma(w4, Wide.fma(w4, middle, terms8), terms4), terms0)
  }

  /// R(t) = exp(t²/2) Φ(-t) for t from 0 to 39, as a sum of two numbers, the second far smaller.
  @inlinable @inline(__always)
  static func scaledTail<Wide: DoubleVector>(_ t: Wide) -> (high: Wide, low: Wide) {
    let two = Wide(repeating: 2)
    // Adding it to a number below 2¹⁷ rounds that to a multiple of 2⁻³⁵.
    let coarseRounder = Wide(repeating: 0x1.8p17)
    // 1 / (t + 2) with few bits, so that the line and the polynomial's argument are exact. It is exactly 1 / (place + 2),
    // and place is t + off.
    let inverse = (one() / (t + two) + coarseRounder) - coarseRounder
    let remainder = Wide.fma(-inverse, t, Wide.fma(-inverse, two, one()))
    let off = remainder * (t + two)
    let place = Wide.fma(remainder, t + two, t)
    let line = Wide.fma(inverse, Wide(repeating: 0x1.32p0), Wide(repeating: 0x1.86p-2))
    let rest = tailPolynomial(Wide.fma(inverse, Wide(repeating: 4), Wide(repeating: -0x1.1p0)))
    let sum = line + rest
    let sumLow = (line - sum) + rest
    let high = inverse * sum
    let low = Wide.fma(inverse, sumLow, Wide.fma(inverse, sum, -high))
    // From the place back to t: the slope R' is t R - 1 / √(2π).
    let slope = Wide.fma(place, high, Wide(repeating: -0x1.9884533d43651p-2))
    return (high, Wide.fma(-off, slope, low))
  }

  @inlinable @inline(__always)
  static func normalCDFForFloat<Wide: DoubleVector>(_ x: Wide) -> Wide {
    let greatest = Wide(repeating: 15)
    var t = Wide(bits: Wide.xor(x.bits, signBits(x)))
    t = Wide.select(Wide.less(greatest, t), greatest, t)
    // The square of a float is exact.
    let (rounded, argument, _) = reduced(Wide(repeating: -0.5) * (t * t))
    let power = power(rounded: rounded)
    let rest = expm1OfReduced(argument)
    let scaled = scaledTail(t)
    let high = Wide.fma(scaled.high, rest, scaled.high)
    let rounding = Wide.fma(scaled.high, rest, scaled.high - high)
    let low = rounding + Wide.fma(scaled.low, rest, scaled.low)
    // 0 + Φ(-t) or 1 - Φ(-t).
    let isNegative = Wide.less(x, .zero)
    let whole = Wide.select(isNegative, .zero, one())
    let factor = Wide.select(isNegative, power, -power)
    let sum = Wide.fma(factor, high, whole)
    let sumRounding = Wide.fma(factor, high, whole - sum)
    return sumRoundedToOdd(sum, Wide.fma(factor, low, sumRounding))
  }

  @inlinable @inline(__always)
  static func normalCDFForDouble<Wide: DoubleVector>(_ x: Wide) -> Wide {
    let greatest = Wide(repeating: 39)
    var t = Wide(bits: Wide.xor(x.bits, signBits(x)))
    t = Wide.select(Wide.less(greatest, t), greatest, t)
    let square = t * t
    let squareLow = Wide.fma(t, t, -square)
    let minusHalf = Wide(repeating: -0.5)
    let (rounded, argument, rounding) = reduced(minusHalf * square)
    let rest = accurateExpm1OfReduced(argument: argument, rounding: Wide.fma(squareLow, minusHalf, rounding))
    let (first, second) = splitPower(rounded: rounded)
    let scaled = scaledTail(t)
    let high = Wide.fma(scaled.high, rest.high, scaled.high)
    let highRounding = Wide.fma(scaled.high, rest.high, scaled.high - high)
    let low = Wide.fma(scaled.high, rest.low, highRounding) + Wide.fma(scaled.low, rest.high, scaled.low)
    let tail = high + low
    let isNegative = Wide.less(x, .zero)
    return Wide.select(isNegative, tail * first * second, Wide.fma(-(first * second), tail, one()))
  }
}
