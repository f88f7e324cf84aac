// Names, and operations and bytes counted by hand.

import ComputeBackend
import Testing

@testable import LockstepBenchmark

@Suite struct WorkloadTests {
  @Test(arguments: [
    // 100 rows: forward 1x2 + 2x1, weight gradients the same, one input gradient 2x1.
    ("celsius", 2.0 * 100 * (2 + 2 + 2 + 2 + 2)),
    ("tiny-large-batch", 2.0 * 1_000_000 * 10),
    ("tabular", 2.0 * 32 * (2 * (13 * 64 + 64 * 32 + 32) + 64 * 32 + 32)),
    ("mnist", 2.0 * 128 * (2 * (784 * 512 + 512 * 256 + 256 * 10) + 512 * 256 + 256 * 10)),
    ("huge", 2.0 * 256 * 5 * 4096 * 4096),
    ("infer1", 2.0 * (784 * 512 + 512 * 256 + 256 * 10)),
    ("infer-batch", 2.0 * 1024 * (784 * 512 + 512 * 256 + 256 * 10)),
    ("products/128x784x512", 2.0 * 128 * 784 * 512),
    ("depth/1", 2.0 * 64 * 64 * 64 * 2),
  ])
  func operationsAreThoseOfTheProducts(name: String, operations: Double) {
    #expect(Workload.named(name).map(\.operations) == [operations])
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
