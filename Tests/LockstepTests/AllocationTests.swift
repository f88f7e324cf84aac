// What a predictor allocates: nothing after its construction and a thread's first call. Answers are tested in
// PredictorTests.swift. Calls of several threads inside a backend are counted by the consumer package, those of a race by
// the consumer in C: only where it is optimised does a race allocate nothing.

import BackendMatrix
import CAllocationCount
import ComputeBackend
import Dispatch
import Synchronization
import Testing

@testable import Lockstep

private let canCount = lockstep_thread_allocations() >= 0

@Suite("Allocations of a predictor", .enabled(if: canCount, "allocations can be counted with the GNU C library"))
struct AllocationTests {
  /// Networks with and without hidden layers, narrow and wide.
  static let sizes = [[1, 1], [2, 1], [13, 64, 32, 1], [65, 130, 7], [784, 512, 256, 10]]

  /// How often `body` allocates on this thread.
  private func allocations(_ body: () throws -> Void) rethrows -> Int {
    let before = lockstep_thread_allocations()
    try body()
    return lockstep_thread_allocations() - before
  }

  @Test("The count is not always 0")
  func counts() {
    #expect(allocations { _ = MatrixStorage<Float>(rows: 3, columns: 5) } > 0)
  }

  @Test("One row allocates nothing, from a predictor's first call on", arguments: sizes)
  func oneRow(sizes: [Int]) throws {
    try check(sizes, as: Float.self, rows: [1, 1, 1])
    try check(sizes, as: Double.self, rows: [1, 1, 1])
  }

  @Test("As many rows as were reserved or fewer, in any order, allocate nothing", arguments: sizes.prefix(4))
  func changingRows(sizes: [Int]) throws {
    try check(sizes, as: Float.self, rows: [257, 1, 37, 256, 2, 257, 0, 8])
    try check(sizes, as: Double.self, rows: [64, 1, 63])
  }

  @Test("More blocks than one allocate nothing")
  func blocks() throws {
    // So wide that 256 rows run at a time.
    try check([2, 5000, 1], as: Float.self, rows: [600, 256, 257, 600])
  }

  @Test("On an automatic backend nothing is allocated once it has chosen", arguments: sizes.prefix(4))
  func race(sizes: [Int]) throws {
    let network = try Network<Float>(sizes: sizes, hidden: .tanh, seed: 1)
    let made = try #require(try Backends.make(threads: 1, as: Float.self) as? AutomaticBackend<Float>)
    let backend = AutomaticBackend(candidates: made.candidates, table: RaceTable(capacity: 2))
    let input: Matrix<Float> = randomMatrix(rows: 40, columns: network.inputs, seed: 2)
    var output = Matrix<Float>(rows: 40, columns: network.outputs)
    // The candidates' own memory for packed operands.
    for candidate in made.candidates {
      try run(Predictor(network, backend: candidate), rows: 40, input, &output)
    }
    let predictor = Predictor(network, backend: backend, reservedRows: 40)
    for rows in [40, 1, 17] {
      var calls = 0
      // Where there is nothing to choose from, the first call still makes a place to say so.
      repeat {
        try run(predictor, rows: rows, input, &output)
        calls += 1
      } while !predictor.backendChoice(rows: rows).isDecided && calls < 1000
      #expect(try run(predictor, rows: rows, input, &output) == 0, "\(sizes), \(rows) rows, decided")
    }
  }

  /// Runs each number of rows on every backend of one thread. Its own memory for packed operands grows to the largest
  /// shape first, with another predictor.
  private func check<Element: NetworkElement>(_ sizes: [Int], as _: Element.Type, rows: [Int]) throws {
    let network = try Network<Element>(sizes: sizes, hidden: .tanh, seed: 1)
    let most = rows.max() ?? 0
    let input: Matrix<Element> = randomMatrix(rows: most, columns: network.inputs, seed: 2)
    var output = Matrix<Element>(rows: most, columns: network.outputs)
    for backend in try allBackends(Element.self) where backend.threads == 1 {
      let first = Predictor(network, backend: backend)
      for rows in rows { try run(first, rows: rows, input, &output) }
      let predictor = Predictor(network, backend: backend, reservedRows: most)
      for rows in rows {
        let count = try run(predictor, rows: rows, input, &output)
        #expect(count == 0, "\(backend.name), \(sizes), \(rows) rows")
      }
    }
  }

  /// The allocations of one call on the first `rows` rows.
  @discardableResult
  private func run<Element: NetworkElement>(
    _ predictor: Predictor<Element>, rows: Int, _ input: Matrix<Element>, _ output: inout Matrix<Element>
  ) throws -> Int {
    try input.withView { input in
      try output.withMutableView { output in
        let (input, output) = (input.rows(0..<rows), output.rows(0..<rows))
        return try allocations { try predictor.predict(input, into: output) }
      }
    }
  }

  @Test("Many threads at once allocate for first calls and the most calls at once, however many calls there are")
  func concurrent() throws {
    let network = try Network<Float>(sizes: [65, 130, 7], hidden: .relu, seed: 1)
    let input: Matrix<Float> = randomMatrix(rows: 40, columns: 65, seed: 2)
    let threads = 4
    for backend in try allBackends(Float.self) where backend.threads == 1 {
      let predictor = Predictor(network, backend: backend, reservedRows: 40, reservedCalls: threads)
      let total = Mutex(0)
      DispatchQueue.concurrentPerform(iterations: threads) { _ in
        var output = Matrix<Float>(rows: 40, columns: 7)
        var count = 0
        for _ in 0..<500 {
          count += (try? run(predictor, rows: 40, input, &output)) ?? 1 << 20
        }
        total.withLock { $0 += count }
      }
      // A block that a call pushes from one place of the SIMD backend's pool to the next may be missed once in a while.
      let most = 32 + 8 * threads
      #expect(total.withLock { $0 } <= most, "\(backend.name)")
    }
  }
}
