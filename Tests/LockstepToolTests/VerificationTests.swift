// What `lockstep verify` says where something is wrong: it must see what it is there to see.

import BackendMatrix
import ComputeBackend
import Lockstep
import Testing

@testable import LockstepTool

@Suite struct VerificationTests {
  static let small = VerifyCase(sizes: [3, 5], hidden: .identity, output: .tanh, loss: .meanSquaredError, rows: 17)

  private func lowestBitFlipped<Element: NetworkElement>(_ row: Int, _ column: Int) throws -> AlteredBackend<Element> {
    AlteredBackend(try Backends.make(.scalar)) { weightGradient in
      guard weightGradient.columns == 5 else { return }
      let value = weightGradient[row, column]
      weightGradient[row, column] = Element(bitPattern: value.bitPattern ^ 1)
    }
  }

  private func expectOneWrongBitIsFound<Element: NetworkElement>(_: Element.Type) throws {
    let backends: [any ComputeBackend<Element>] = [try Backends.make(.scalar), try lowestBitFlipped(2, 1)]
    let outcome = try Verification<Element>(Self.small).outcome(on: backends)
    #expect(!outcome.isEqual && outcome.verdict == "DIFFERENT")
    // The right backend passes, the wrong one fails in every cut of the batch.
    #expect(outcome.failures.count * 2 == outcome.comparisons)
    for failure in outcome.failures {
      #expect(failure.hasPrefix("scalar, 1 thread, ") && failure.contains(": grad_weights1: [2, 1] is "))
    }
  }

  @Test func oneWrongBitInOneElementIsFound() throws {
    try expectOneWrongBitIsFound(Float.self)
    try expectOneWrongBitIsFound(Double.self)
  }

  @Test func rightResultsAreEqual() throws {
    let outcome = try Verification<Float>(Self.small).outcome(on: [Backends.make(.scalar)])
    #expect(outcome.isEqual && outcome.verdict == "equal")
    #expect(outcome.comparisons > 0)
  }

  /// A layer whose output is cut to zero everywhere, as its bias is negative: so are all its gradients.
  @Test func aReferenceOfAllZerosIsAFailure() throws {
    let cases = (1...9).map { inputs in
      VerifyCase(
        sizes: [inputs, 1], hidden: .identity, output: .relu, loss: .meanSquaredError, rows: 3, numbers: .tiny)
    }
    let dead = try #require(try cases.first { try $0.firstNetwork(as: Float.self).layers[0].bias[0, 0] < 0 })
    let outcome = try Verification<Float>(dead).outcome(on: [Backends.make(.scalar)])
    #expect(outcome.verdict == "DIFFERENT")
    for name in ["output", "grad_weights1", "grad_biases1"] {
      #expect(outcome.failures.contains("\(name) of the reference is all zeros, so that comparing says nothing"))
    }
  }

  /// Else the row would not see what it is there for.
  @Test func productsVanishBelowZeroWhereTheTableSaysSo() throws {
    let cases = VerifyCase.table(quick: true).filter { $0.numbers == .vanishing }
    #expect(!cases.isEmpty)
    for testCase in cases {
      let trainer = Trainer(
        try testCase.firstNetwork(as: Float.self), loss: testCase.loss, backend: try Backends.make(.scalar))
      let gradients = try trainer.gradients(input: testCase.input(), target: testCase.target())
      let weightGradient = try #require(gradients.layers.first).weights.elements
      #expect(weightGradient.allSatisfy { $0 == 0 && $0.sign == .minus }, "\(testCase.network)")
    }
  }
}
