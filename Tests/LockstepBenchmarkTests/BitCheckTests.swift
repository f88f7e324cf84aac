// The check must find what is wrong, and nothing else.

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
    // The last bit of one element.
    let outcome = try check(
      kind, sizes,
      backend: TamperedBackend(base: try Backends.make(.scalar)) { result in
        result[result.rows - 1, 1] = Float(bitPattern: result[result.rows - 1, 1].bitPattern ^ 1)
      })
    #expect(!outcome.isEqual)
  }

  @Test(arguments: kinds)
  func zerosFail(kind: Workload.Kind, sizes: [Int]) throws {
    let outcome = try check(
      kind, sizes,
      backend: TamperedBackend(base: try Backends.make(.scalar)) { result in
        for row in 0..<result.rows {
          for column in 0..<result.columns { result[row, column] = 0 }
        }
      })
    #expect(!outcome.isEqual)
  }

  @Test func aReferenceOfZerosSaysNothing() throws {
    let workload = Workload(name: "", kind: .product, sizes: [3, 2], activation: .identity, batch: 4)
    var data = try WorkloadData<Float>(workload)
    data.network = try Network(layers: [
      DenseLayer(weights: Matrix(rows: 3, columns: 2), bias: Matrix(rows: 1, columns: 2), activation: .identity)
    ])
    let check = BitCheck(data, witnesses: [], operations: .infinity, operationsForWitness: .infinity)
    #expect(try check.outcome(on: Backends.make(.scalar)).isEqual == false)
  }

  @Test func aPartOfTheRowsIsCheckedAndTheRestByAWitness() throws {
    let outcome = try check(.training, [13, 9, 3], affordableRows: 7, backend: Backends.make(.simd))
    #expect(outcome == BitCheckOutcome(rows: 7, witness: "scalar", difference: nil))
  }

  @Test func theWitnessFindsWhatIsWrongInTheWholeBatchAlone() throws {
    let backend = TamperedBackend(base: try Backends.make(.scalar), kind: .simd) { result in
      if result.rows == 40 { result[20, 0] += 1 }
    }
    let outcome = try check(.inference, [13, 9, 3], affordableRows: 7, backend: backend)
    #expect(outcome.rows == 7)
    #expect(!outcome.isEqual)
  }
}
