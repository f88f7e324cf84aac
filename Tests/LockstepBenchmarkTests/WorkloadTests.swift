// Names, and operations and bytes counted by hand.

import ComputeBackend
import Testing

@testable import LockstepBenchmark

@Suite struct WorkloadTests {
  /// Rows, and for each product of a step, forward first, the widths that it is between.
  private static let products: [(name: String, rows: Int, forward: [Int], weights: [Int], input: [Int])] = [
    ("celsius", 100, [1 * 2, 2 * 1], [1 * 2, 2 * 1], [2 * 1]),
    ("tiny-large-batch", 1_000_000, [2, 2], [2, 2], [2]),
    ("tabular", 32, [13 * 64, 64 * 32, 32 * 1], [13 * 64, 64 * 32, 32 * 1], [64 * 32, 32 * 1]),
    ("digits", 64, [64 * 128, 128 * 10], [64 * 128, 128 * 10], [128 * 10]),
    ("mnist", 128, [784 * 512, 512 * 256, 256 * 10], [784 * 512, 512 * 256, 256 * 10], [512 * 256, 256 * 10]),
    ("wide", 512, [1 << 20, 1 << 20, 1 << 20], [1 << 20, 1 << 20, 1 << 20], [1 << 20, 1 << 20]),
    ("huge", 256, [1 << 24, 1 << 24], [1 << 24, 1 << 24], [1 << 24]),
    ("infer1", 1, [784 * 512, 512 * 256, 256 * 10], [], []),
    ("infer-batch", 1024, [784 * 512, 512 * 256, 256 * 10], [], []),
    ("products/128x784x512", 128, [784 * 512], [], []),
    ("depth/1", 64, [64 * 64], [64 * 64], []),
  ]

  @Test(arguments: products)
  func operationsAreThoseOfTheProducts(name: String, rows: Int, forward: [Int], weights: [Int], input: [Int]) {
    let perRow = (forward + weights + input).reduce(0, +)
    #expect(Workload.named(name).map(\.operations) == [Double(2 * rows * perRow)])
  }

  @Test func bytesAreParametersAndData() {
    // 7 parameters, 100 rows of an input and a target.
    let celsius = Workload.named("celsius")[0]
    #expect(celsius.bytesAtHand(in: .f32) == 4 * (7 + 200))
    #expect(celsius.bytesMoved(in: .f32) == 4 * (3 * 7 + 200))
    #expect(celsius.bytesMoved(in: .f64) == 8 * (3 * 7 + 200))
    // Forward passes by the parameters once.
    let inference = Workload(name: "", kind: .inference, sizes: [10, 5], batch: 2)
    #expect(inference.bytesMoved(in: .f32) == 4 * (55 + 30))
  }

  @Test func namesAreUnique() {
    let names = Workload.all.map(\.name)
    #expect(Set(names).count == names.count)
  }

  @Test func familiesHaveNames() {
    #expect(Workload.named("table").count == 9)
    #expect(Workload.named("curves") == ["width", "batch", "depth"].flatMap(Workload.named))
    #expect(Workload.named("nothing").isEmpty)
  }

  @Test func theTableIsTheSame() {
    #expect(
      Workload.named("table").map { "\($0.name) \($0.network) \($0.activation) \($0.loss.rawValue) \($0.batch)" } == [
        "celsius 1-2-1 identity mse 100", "tiny-large-batch 1-2-1 identity mse 1000000",
        "tabular 13-64-32-1 relu mse 32", "digits 64-128-10 relu cross-entropy 64",
        "mnist 784-512-256-10 relu cross-entropy 128", "wide 1024-1024-1024-1024 relu mse 512",
        "huge 4096-4096-4096 relu mse 256", "infer1 784-512-256-10 relu cross-entropy 1",
        "infer-batch 784-512-256-10 relu cross-entropy 1024",
      ])
  }
}
