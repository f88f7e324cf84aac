// Trainings by each optimiser against committed numbers: bits that must be the same on every machine, and PyTorch's results,
// which must be close. `golden_pytorch.py` makes those, and says what it needs; the tests need the committed file alone.

import BackendMatrix
import ComputeBackend
import Lockstep
import Testing

@Suite struct OptimizerGoldenTests {
  static let trainings = GoldenTraining.trainings(in: "golden_pytorch")

  /// Digests of losses and parameters after each training: the same on every machine.
  static let digests: [(f32: String, f64: String)] = [
    (f32: "13d09c62bd472a84", f64: "33c1db92e2f867b5"),
    (f32: "f6b99fe5baa26389", f64: "c3ba43413f6a8730"),
    (f32: "16885bfca30e9490", f64: "d0ac38d339d1ca68"),
    (f32: "4e0ec6a6b4ae0285", f64: "2e9d123fce3b425b"),
    (f32: "b808a3e857459b26", f64: "6e9d88ce5d2de982"),
    (f32: "e9a4b214bbf3f76a", f64: "1d5d55ebfd3a29cd"),
    (f32: "418c216f4add5462", f64: "0dfff2705a48d3a2"),
    (f32: "4883d28329888b17", f64: "f093e9912524f804"),
    (f32: "98c630060ade5835", f64: "a387dab5b83e2240"),
    (f32: "78a070f7766e2d4d", f64: "fcff381ccb87956a"),
    (f32: "52eb0ceb12d13058", f64: "5b69e86a90226301"),
    (f32: "4d20dec976afdb9a", f64: "d4ae188f0c27b0ce"),
  ]

  @Test func everyOptimiserHasItsDigests() {
    #expect(Self.digests.count == Self.trainings.count)
    #expect(Set(Self.digests.flatMap { [$0.f32, $0.f64] }).count == 2 * Self.digests.count)
    #expect(Set(Self.trainings.map(\.optimizer)) == Set(Optimizer.Kind.allCases.map(\.rawValue)))
  }

  @Test(arguments: zip(trainings, digests))
  func bitsAreThoseOfEveryMachine(training: GoldenTraining, digest: (f32: String, f64: String)) throws {
    try training.compareDigest(digest.f32, Float.self)
    try training.compareDigest(digest.f64, Double.self)
  }

  /// The same trainings in PyTorch, in double precision, after 20 steps: what is left is the order of sums, as in
  /// ``GoldenTests``.
  @Test(arguments: trainings)
  func numbersAreThoseOfPyTorch(training: GoldenTraining) throws {
    let double = try training.largestError(Double.self, floor: 0x1p-10)
    let single = try training.largestError(Float.self)
    #expect(double < 1e-12)
    #expect(single < 5e-4)
    // A comparison that cannot fail would show no difference at all.
    #expect(single > 0)
  }
}
