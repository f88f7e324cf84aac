// Statistics, caches, limits and baselines; nothing here asks how fast anything is.

import ComputeBackend
import Foundation
import Lockstep
import Testing

@testable import LockstepBenchmark

@Suite struct MeasuringTests {
  @Test func theMedianAndTheMiddleHalf() {
    let time = SampledTime(seconds: [5, 1, 3, 2, 4], stepsPerSample: 10, preemptions: 0)
    #expect(time.median == 3)
    #expect(time.fastest == 1)
    #expect(time.spread == (4.0 - 2) / 3)
    let even = SampledTime(seconds: [1, 2], stepsPerSample: 1, preemptions: 0)
    #expect(even.median == 1.5)
  }

  @Test func oneSampleHasNoSpread() {
    #expect(SampledTime(seconds: [7], stepsPerSample: 1, preemptions: 0).spread == 0)
  }

  /// Work that does nothing but count.
  private final class Counting: Work {
    var steps = 0
    func run(steps: Int) {
      for _ in 0..<steps { self.steps += 1 }
    }
  }

  @Test func everyTimedStepIsTaken() throws {
    let work = Counting()
    let time = try Sampler(clock: .wall, isQuick: true).time(work)
    #expect(time.samples >= 3)
    #expect(work.steps > time.samples * time.stepsPerSample)
  }

  @Test(arguments: [("32K", 32 << 10), ("512K", 512 << 10), ("32M", 32 << 20), ("64", 64), ("", nil), ("K", nil)])
  func cacheSizesAsLinuxWritesThem(text: String, bytes: Int?) {
    #expect(CacheSizes.bytes(text) == bytes)
  }

  @Test func dataLiesInTheNearestLevelThatHoldsIt() {
    var caches = CacheSizes()
    (caches.l1, caches.l2, caches.l3) = (1000, 10_000, 100_000)
    #expect(caches.level(holding: 1000, threads: 1) == .l1)
    #expect(caches.level(holding: 1001, threads: 1) == .l2)
    #expect(caches.level(holding: 1001, threads: 2) == .l1)
    #expect(caches.level(holding: 20_001, threads: 2) == .l3)
    #expect(caches.level(holding: 100_001, threads: 2) == .memory)
  }

  @Test func limitsAreMeasuredOnce() throws {
    let limits = MachineLimits(isQuick: true)
    let set = try #require(Backends.available().first).instructionSet
    #expect(limits.peak(set, .f32, threads: 1) > 0)
    #expect(limits.peak(set, .f32, threads: 1) == limits.peak(set, .f32, threads: 1))
    for level in MemoryLevel.allCases { #expect(limits.bandwidth(level, set, threads: 2) > 0) }
  }

  @Test func theSlowerOfArithmeticAndMovingBinds() {
    // 2 * 4 * 15 operations, 4 bytes each of 18 parameters, 20 inputs and 12 outputs.
    let workload = Workload(name: "", kind: .inference, sizes: [5, 3], batch: 4)
    func limit(peak: Double, bandwidth: Double) -> Limit {
      Limit(of: workload, precision: .f32, peak: peak, level: .l3, bandwidth: bandwidth)
    }
    #expect(limit(peak: 10, bandwidth: 100).kind == .fma)
    #expect(limit(peak: 10, bandwidth: 100).seconds == 12)
    #expect(limit(peak: 100, bandwidth: 10).kind == .l3)
    #expect(limit(peak: 100, bandwidth: 10).seconds == 20)
  }

  @Test func aRowIsCheckedTimedAndRelated() throws {
    let run = try BenchmarkRun(isQuick: true)
    for precision in Precision.allCases {
      let row = BenchmarkRow(
        workload: Workload(name: "small", sizes: [3, 5, 2], batch: 20),
        variant: BackendVariant(kind: .scalar, instructionSet: .scalar), threads: 1, precision: precision)
      let result = try run.measure(row)
      #expect(result.bits.isEqual)
      #expect(result.time.median > 0)
      #expect(result.partOfLimit == result.limit.seconds / result.time.median)
    }
  }

  @Test func variantsOfOneThreadAppearOnce() {
    let rows = BenchmarkRow.all(
      Workload.named("celsius"),
      variants: [
        BackendVariant(kind: .openmp, instructionSet: .avx2), BackendVariant(kind: .scalar, instructionSet: .scalar),
      ],
      threads: [1, 2], precisions: [.f32, .f64])
    #expect(
      rows.map(\.name) == [
        "celsius/openmp/avx2/1/f32", "celsius/openmp/avx2/2/f32", "celsius/scalar/scalar/1/f32",
        "celsius/openmp/avx2/1/f64", "celsius/openmp/avx2/2/f64", "celsius/scalar/scalar/1/f64",
      ])
  }
}

@Suite struct BaselineTests {
  private let result: BenchmarkResult

  init() throws {
    result = try BenchmarkRun(isQuick: true).measure(
      BenchmarkRow(
        workload: Workload(name: "small", kind: .inference, sizes: [3, 2], activation: .tanh, batch: 4),
        variant: BackendVariant(kind: .scalar, instructionSet: .scalar), threads: 1, precision: .f64))
  }

  @Test func aBaselineComesBackFromJSON() throws {
    let baseline = Baseline([result])
    let back = try JSONDecoder().decode(Baseline.self, from: JSONEncoder().encode(baseline))
    #expect(back == baseline)
    #expect(back.isOfKnownFormat)
    #expect(back.entries.map(\.row) == [result.row])
    #expect(back.entries[0].partOfLimit == result.partOfLimit)
  }

  @Test(arguments: [("\"small\"", "3"), ("\"tanh\"", "\"soft\""), ("\"scalar\"", "\"gpu\""), ("[3,2]", "[3]")])
  func whatNoRowCanBeIsNone(text: String, other: String) throws {
    let json = String(decoding: try JSONEncoder().encode(Baseline([result])), as: UTF8.self)
    let changed = json.replacingOccurrences(of: text, with: other)
    #expect(changed != json)
    let baseline = try? JSONDecoder().decode(Baseline.self, from: Data(changed.utf8))
    #expect(baseline.map { $0.entries[0].row == nil } ?? true)
  }

  @Test func slowerThanTheThresholdIsSlower() {
    let part = result.partOfLimit
    #expect(!BaselineComparison(result: result, before: part, threshold: 0.9).isSlower)
    #expect(!BaselineComparison(result: result, before: part / 2, threshold: 0.9).isSlower)
    #expect(BaselineComparison(result: result, before: part * 2, threshold: 0.9).isSlower)
    #expect(BaselineComparison(result: result, before: part * 2, threshold: 0.9).ratio == 0.5)
  }
}
