// The comparison itself: it must see what it is there to see.

import ComputeBackend
import LockstepReference
import Testing

@Suite("The comparison with the reference")
struct ComparisonTests {
  /// A layer's output, by the reference: 17 rows of 5.
  static let expected: Matrix<Float> = {
    var generator = SeededGenerator(seed: 7)
    return Reference.forward(
      input: randomMatrix(rows: 17, columns: 9, profile: .ordinary, using: &generator),
      weights: randomMatrix(rows: 9, columns: 5, profile: .ordinary, using: &generator),
      bias: randomMatrix(rows: 1, columns: 5, profile: .ordinary, using: &generator), activation: .tanh)
  }()

  static func mutated(_ row: Int, _ column: Int, _ change: (Float) -> Float) -> Matrix<Float> {
    var result = expected
    result[row, column] = change(result[row, column])
    return result
  }

  @Test("The same bits pass")
  func same() {
    #expect(Reference.difference(of: Self.expected, from: Self.expected) == nil)
  }

  @Test("One bit in one element fails, whichever it is", arguments: 0..<32)
  func oneBit(_ bit: UInt32) {
    for (row, column) in [(0, 0), (8, 3), (16, 4)] {
      let result = Self.mutated(row, column) { Float(bitPattern: $0.bitPattern ^ (1 << bit)) }
      #expect(
        Reference.difference(of: result, from: Self.expected)
          == .element(row: row, column: column, value: result[row, column], expected: Self.expected[row, column]))
    }
  }

  @Test("All zeros fail")
  func allZeros() {
    let zeros = Matrix<Float>(rows: 17, columns: 5)
    #expect(!Reference.isAllZero(Self.expected))
    #expect(Reference.isAllZero(zeros))
    #expect(Reference.difference(of: zeros, from: Self.expected) != nil)
  }

  @Test("The sign of zero counts, NaN is NaN, infinity is not the largest number")
  func specials() {
    func differ(_ a: Float, _ b: Float) -> Bool {
      Reference.difference(
        of: Matrix(rows: 1, columns: 1, elements: [a]), from: Matrix(rows: 1, columns: 1, elements: [b])) != nil
    }
    #expect(differ(0, -0.0))
    #expect(!differ(-0.0, -0.0))
    #expect(!differ(.nan, -Float(nan: 5, signaling: false)))
    #expect(differ(.nan, .infinity))
    #expect(differ(.infinity, .greatestFiniteMagnitude))
    #expect(differ(.leastNonzeroMagnitude, 0))
    #expect(!Reference.isAllZero(Matrix<Float>(rows: 1, columns: 2, elements: [0, -0.0])))
  }

  @Test("Another shape fails")
  func shape() {
    let transposed = Self.expected.transposed
    #expect(
      Reference.difference(of: transposed, from: Self.expected)
        == .shape(rows: 5, columns: 17, expectedRows: 17, expectedColumns: 5))
  }

  @Test("Guarded memory misses what is written around a matrix", arguments: [(0, 0), (2, 3)])
  func guards(gap: Int, offset: Int) {
    let memory = GuardedMatrix<Float>(rows: 17, columns: 5, gap: gap, offset: offset)
    Self.expected.withView { memory.mutableView.copy(from: $0) }
    #expect(memory.guardsAreIntact())
    #expect(memory.contents() == Self.expected)
    let end = memory.mutableView.base + 16 * (5 + gap) + 5
    let before = end.pointee
    end.pointee = 0
    #expect(!memory.guardsAreIntact())
    end.pointee = before
    #expect(memory.guardsAreIntact())
  }
}

@Suite("The test data")
struct TestDataTests {
  static func sample(_ profile: Profile) -> [Float] {
    var generator = SeededGenerator(seed: 3)
    return (0..<50).flatMap { _ in
      randomMatrix(Float.self, rows: 20, columns: 20, profile: profile, using: &generator).elements
    }
  }

  @Test("The generator has its published sequence")
  func generator() {
    var generator = SeededGenerator(seed: 1_234_567)
    #expect(generator.next() == 6_457_827_717_110_365_317)
    #expect(generator.next() == 3_203_168_211_198_807_973)
  }

  @Test("Ordinary numbers are finite, of both signs, and not zero but for some")
  func ordinary() {
    let sample = Self.sample(.ordinary)
    #expect(sample.allSatisfy { $0.isFinite && $0.magnitude <= 2 })
    #expect(sample.contains { $0 == 0 && $0.sign == .minus } && sample.contains { $0 == 0 && $0.sign == .plus })
    #expect(sample.count { $0 == 0 } < sample.count / 10)
    #expect(sample.contains { $0 < 0 } && sample.contains { $0 > 0 })
  }

  @Test("Extreme numbers have every special kind, and leave most rows finite")
  func extreme() {
    let sample = Self.sample(.extreme)
    #expect(sample.contains(.infinity) && sample.contains(-.infinity) && sample.contains { $0.isNaN })
    #expect(sample.contains { $0.isSubnormal } && sample.contains(-.leastNonzeroMagnitude))
    #expect(sample.contains { $0.isFinite && $0.magnitude > 1e30 })
    let rows = stride(from: 0, to: sample.count, by: 20).map { sample[$0..<$0 + 20] }
    #expect(rows.count { $0.allSatisfy(\.isFinite) } > rows.count / 2)
  }

  @Test("Products of vanishing numbers are subnormal or signed zeros, some of each")
  func vanishing() {
    let sample = Self.sample(.vanishing)
    let products = zip(sample, sample.dropFirst()).map { $0 * $1 }
    #expect(products.contains { $0 == 0 && $0.sign == .minus } && products.contains { $0 == 0 && $0.sign == .plus })
    #expect(products.contains { $0.isSubnormal })
    #expect(sample.allSatisfy { $0 != 0 })
  }
}
