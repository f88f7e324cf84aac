// Elementary functions against exact values: every Float rounds to the nearest one, every Double stays within one unit in
// the last place. LOCKSTEP_EXHAUSTIVE=1 tries all 2³² Floats instead of a sample.

import ComputeBackend
import ElementaryFunctionsSupport
import Foundation
import Testing

@Suite struct ElementaryFunctionsTests {
  static let isExhaustive = ProcessInfo.processInfo.environment["LOCKSTEP_EXHAUSTIVE"] == "1"

  /// Compares over all bit patterns, or a sample of them, on all cores.
  static func comparison(_ function: ElementaryFunction) async -> FloatComparison {
    let step: UInt64 = isExhaustive ? 1 : 1997
    let part: UInt64 = step << 22
    return await withTaskGroup(of: FloatComparison.self) { group in
      for start in stride(from: 0, to: UInt64(1) << 32, by: Int(part)) {
        group.addTask {
          FloatComparison(function, patterns: start..<min(start + part, 1 << 32), step: step)
        }
      }
      return await group.reduce(into: FloatComparison()) { $0.merge($1) }
    }
  }

  @Test(.enabled(if: ElementaryFunction.canBeChecked), arguments: ElementaryFunction.allCases)
  func floatsAreCorrectlyRounded(_ function: ElementaryFunction) async {
    let clock = ContinuousClock()
    let start = clock.now
    let comparison = await Self.comparison(function)
    print("\(function): \(comparison.count) floats, wrong \(comparison.wrong.count), \(clock.now - start)")
    #expect(comparison.count > 2_000_000)
    #expect(comparison.wrong.isEmpty)
    let known = Set(hardCases[function]!.map(\.argument))
    for argument in comparison.undecided {
      #expect(known.contains(argument), "no exact value is recorded for the hard case \(String(argument, radix: 16))")
    }
  }

  @Test(arguments: ElementaryFunction.allCases)
  func hardCasesAreCorrectlyRounded(_ function: ElementaryFunction) {
    for hard in hardCases[function]! {
      #expect(
        function.float(Float(bitPattern: hard.argument)).bitPattern == hard.nearest,
        "at \(String(hard.argument, radix: 16))")
    }
  }

  @Test(.enabled(if: ElementaryFunction.canBeChecked), arguments: ElementaryFunction.allCases)
  func doublesAreWithinOneUnitInTheLastPlace(_ function: ElementaryFunction) {
    let error = DoubleError(function, perExponent: Self.isExhaustive ? 2000 : 50)
    print("\(function): \(error.count) doubles, greatest error \(error.greatest) units at \(error.argument)")
    #expect(error.greatest <= 1)
    #expect(error.greatest > 0.4, "an error this small means that the comparison is broken")
  }

  @Test(arguments: ElementaryFunction.allCases)
  func vectorsHaveTheBitsOfSingleValues(_ function: ElementaryFunction) {
    let floats = Array(BackendFunctionsTests.floats(0..<1 << 32, step: (1 << 14) - 1).prefix(1 << 18))
    let wrongFloats = zip(floats, function.inVectors(floats)).filter {
      function.float($0).canonicalBitPattern != $1.canonicalBitPattern
    }
    #expect(wrongFloats.isEmpty)
    let doubles = BackendFunctionsTests.doubles(1 << 17)
    let wrongDoubles = zip(doubles, function.inVectors(doubles)).filter {
      function.double($0).canonicalBitPattern != $1.canonicalBitPattern
    }
    #expect(wrongDoubles.isEmpty)
  }

  /// Arguments and results that the definitions name, for either precision.
  static func specialValues<Element: KernelElement>() -> [(ElementaryFunction, Element, Element)] {
    [
      (.exp, 0, 1), (.exp, -0.0, 1), (.exp, .infinity, .infinity), (.exp, -.infinity, 0), (.exp, .nan, .nan),
      (.exp, .greatestFiniteMagnitude, .infinity), (.exp, -.greatestFiniteMagnitude, 0),
      (.exp, .leastNonzeroMagnitude, 1),
      (.expm1, 0, 0), (.expm1, -0.0, -0.0), (.expm1, .infinity, .infinity), (.expm1, -.infinity, -1),
      (.expm1, .nan, .nan), (.expm1, .greatestFiniteMagnitude, .infinity), (.expm1, -.greatestFiniteMagnitude, -1),
      (.expm1, .leastNonzeroMagnitude, .leastNonzeroMagnitude),
      (.expm1, -.leastNonzeroMagnitude, -.leastNonzeroMagnitude),
      (.expm1, -.leastNormalMagnitude, -.leastNormalMagnitude),
      (.log, 1, 0), (.log, 0, -.infinity), (.log, -0.0, -.infinity), (.log, -1, .nan), (.log, -.infinity, .nan),
      (.log, -.leastNonzeroMagnitude, .nan), (.log, .infinity, .infinity), (.log, .nan, .nan),
      (.log1p, 0, 0), (.log1p, -0.0, -0.0), (.log1p, -1, -.infinity), (.log1p, -2, .nan), (.log1p, -.infinity, .nan),
      (.log1p, .infinity, .infinity), (.log1p, .nan, .nan), (.log1p, .leastNonzeroMagnitude, .leastNonzeroMagnitude),
      (.log1p, -.leastNonzeroMagnitude, -.leastNonzeroMagnitude), (.log1p, Element(-1).nextDown, .nan),
      (.tanh, 0, 0), (.tanh, -0.0, -0.0), (.tanh, .infinity, 1), (.tanh, -.infinity, -1), (.tanh, .nan, .nan),
      (.tanh, .leastNonzeroMagnitude, .leastNonzeroMagnitude), (.tanh, -.leastNormalMagnitude, -.leastNormalMagnitude),
      (.tanh, .greatestFiniteMagnitude, 1), (.tanh, -.greatestFiniteMagnitude, -1),
      (.sigmoid, 0, 0.5), (.sigmoid, -0.0, 0.5), (.sigmoid, .infinity, 1), (.sigmoid, -.infinity, 0),
      (.sigmoid, .nan, .nan), (.sigmoid, .greatestFiniteMagnitude, 1), (.sigmoid, -.greatestFiniteMagnitude, 0),
      (.sigmoid, .leastNonzeroMagnitude, 0.5), (.sigmoid, -.leastNonzeroMagnitude, 0.5),
      (.normalCDF, 0, 0.5), (.normalCDF, -0.0, 0.5), (.normalCDF, .infinity, 1), (.normalCDF, -.infinity, 0),
      (.normalCDF, .nan, .nan), (.normalCDF, .greatestFiniteMagnitude, 1), (.normalCDF, -.greatestFiniteMagnitude, 0),
      (.normalCDF, .leastNonzeroMagnitude, 0.5), (.normalCDF, -.leastNonzeroMagnitude, 0.5),
    ]
  }

  @Test func specialFloats() {
    for (function, argument, value) in Self.specialValues() as [(ElementaryFunction, Float, Float)] {
      let result = function.float(argument)
      #expect(result.canonicalBitPattern == value.canonicalBitPattern, "\(function)(\(argument)) is \(result)")
    }
  }

  @Test func specialDoubles() {
    for (function, argument, value) in Self.specialValues() as [(ElementaryFunction, Double, Double)] {
      let result = function.double(argument)
      #expect(result.canonicalBitPattern == value.canonicalBitPattern, "\(function)(\(argument)) is \(result)")
    }
  }

  @Test func everyPayloadOfNaNStaysNaN() {
    for function in ElementaryFunction.allCases {
      for shift in 0..<52 {
        let quiet = 0x7ff8_0000_0000_0000 | UInt64(1) << UInt64(shift)
        #expect(function.double(Double(bitPattern: quiet)).isNaN)
        #expect(function.double(Double(bitPattern: quiet | 1 << 63)).isNaN)
      }
      for shift in 0..<23 {
        #expect(function.float(Float(bitPattern: 0x7fc0_0000 | UInt32(1) << UInt32(shift))).isNaN)
      }
    }
  }

  @Test func rangesEndWhereTheyMust() {
    // The greatest arguments with a finite exponential, and the least with one that is not rounded to zero.
    #expect(ElementaryFunction.exp.float(0x1.62e42ep6).isFinite)
    #expect(ElementaryFunction.exp.float(0x1.62e430p6) == .infinity)
    #expect(ElementaryFunction.exp.float(-0x1.9fe368p6) == .leastNonzeroMagnitude)
    #expect(ElementaryFunction.exp.float(-0x1.9fe36ap6) == 0)
    #expect(ElementaryFunction.exp.double(0x1.62e42fefa39efp9).isFinite)
    #expect(ElementaryFunction.exp.double(0x1.62e42fefa39f0p9) == .infinity)
    #expect(ElementaryFunction.exp.double(-0x1.74910d52d3051p9) == .leastNonzeroMagnitude)
    #expect(ElementaryFunction.exp.double(-0x1.74910d52d3053p9) == 0)
    #expect(ElementaryFunction.expm1.float(0x1.62e42ep6).isFinite)
    #expect(ElementaryFunction.expm1.float(0x1.62e430p6) == .infinity)
    #expect(ElementaryFunction.expm1.double(0x1.62e42fefa39efp9).isFinite)
    #expect(ElementaryFunction.expm1.double(0x1.62e42fefa39f0p9) == .infinity)
    #expect(ElementaryFunction.sigmoid.double(-0x1.74910d52d3051p9) == .leastNonzeroMagnitude)
    // Half of the least subnormal number lies between these.
    #expect(ElementaryFunction.normalCDF.float(-0x1.c57228p3) == .leastNonzeroMagnitude)
    #expect(ElementaryFunction.normalCDF.float(-0x1.c5722ap3) == 0)
    #expect(ElementaryFunction.normalCDF.double(-0x1.33e21dc3f3bd6p5) == .leastNonzeroMagnitude)
    #expect(ElementaryFunction.normalCDF.double(-0x1.33e21dc3f3bdap5) == 0)
    #expect(ElementaryFunction.log.double(.leastNonzeroMagnitude) == -0x1.74385446d71c3p9)
    #expect(ElementaryFunction.log.float(.leastNonzeroMagnitude) == -0x1.9d1da0p6)
  }
}
