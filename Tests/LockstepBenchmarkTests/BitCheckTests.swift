// The check must find what is wrong, and nothing else.

import BackendMatrix
import ComputeBackend
import Lockstep
import Testing

@testable import LockstepBenchmark

@Suite struct BitCheckTests {
  private static let kinds: [(Workload.Kind, [Int])] = [
    (.training, [13, 9, 3]), (.inference, [13, 9, 3]), (.product, [13, 9]),
  ]

  private func check(
    _ kind: Workload.Kind, _ sizes: [Int], affordableRows: Int = 1000, backend: any ComputeBackend<Float>
  ) throws -> BitCheckOutcome {
    let workload = Workload(name: "", kind: kind, sizes: sizes, batch: 40)
    let check = BitCheck<Float>(
      try WorkloadData(workload), witnesses: [try Backends.make(.scalar)],
      operations: workload.operations(rows: affordableRows), operationsForWitness: .infinity)
    return try check.outcome(on: backend)
  }

  @Test(arguments: kinds)
  func everyBackendPasses(kind: Workload.Kind, sizes: [Int]) throws {
    for variant in try Backends.available() {
      let outcome = try check(kind, sizes, backend: Backends.make(variant, threads: 2))
      #expect(outcome == BitCheckOutcome(rows: 40, witness: nil, difference: nil))
    }
  }

  @Test(arguments: kinds)
  func aChangedBitFails(kind: Workload.Kind, sizes: [Int]) throws {
    let outcome = try check(kind, sizes, backend: AlteredBackend(try Backends.make(.scalar)))
    #expect(!outcome.isEqual)
  }

  @Test(arguments: kinds)
  func zerosFail(kind: Workload.Kind, sizes: [Int]) throws {
    let outcome = try check(kind, sizes, backend: IdleBackend())
    #expect(!outcome.isEqual)
  }

  @Test func aPartOfTheRowsIsCheckedAndTheRestByAWitness() throws {
    let outcome = try check(.training, [13, 9, 3], affordableRows: 7, backend: Backends.make(.simd))
    #expect(outcome == BitCheckOutcome(rows: 7, witness: "scalar", difference: nil))
  }

  @Test func theWitnessFindsWhatIsWrongInTheWholeBatchAlone() throws {
    let backend = WrongFromRowsBackend(rows: 40, base: try Backends.make(.scalar), kind: .simd)
    let outcome = try check(.inference, [13, 9, 3], affordableRows: 7, backend: backend)
    #expect(outcome.rows == 7)
    #expect(!outcome.isEqual)
  }
}
