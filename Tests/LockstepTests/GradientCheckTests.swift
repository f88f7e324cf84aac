// The gradient check itself: it must see what it is there to see.

import BackendMatrix
import ComputeBackend
import Testing

@testable import Lockstep

@Suite struct GradientCheckTests {
  func check(_ alterWeightGradient: @escaping @Sendable (MutableMatrixView<Double>) -> Void) throws -> GradientCheck {
    let network = try Network<Double>(sizes: [3, 4, 2], hidden: .tanh, seed: 8)
    return try GradientCheck(
      network, input: randomMatrix(rows: 9, columns: 3, seed: 1), target: randomMatrix(rows: 9, columns: 2, seed: 2),
      loss: .meanSquaredError,
      on: AlteredBackend(Backends.make(.scalar, as: Double.self), alterWeightGradient: alterWeightGradient))
  }

  @Test func rightGradientsPass() throws {
    #expect(try check { _ in }.maximumError < 1e-8)
  }

  /// Later parameters have right gradients: their small errors must not hide the one that is no number.
  @Test func oneGradientThatIsNotANumberMakesTheErrorNotANumber() throws {
    let check = try check { gradient in
      if gradient.rows == 3 { gradient[0, 0] = .nan }
    }
    #expect(check.maximumError.isNaN)
    #expect(check.worstParameter == 0)
  }

  @Test func oneWrongGradientIsNamed() throws {
    // In file order the second output's first input comes after the first output's three.
    let check = try check { gradient in
      if gradient.rows == 3 { gradient[0, 1] += 0.5 }
    }
    #expect(check.maximumError > 0.1)
    #expect(check.worstParameter == 3)
  }
}
