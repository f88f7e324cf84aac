// A predictor: the same answers as a network's own, from many threads at once, into memory that the caller has.

import BackendMatrix
import ComputeBackend
import Foundation
import Lockstep
import Synchronization
import Testing

@Suite("A predictor")
struct PredictorTests {
  @Test("Answers as the network does, whatever was asked before")
  func agrees() throws {
    let network = try Network<Float>(sizes: [13, 33, 3], hidden: .tanh, seed: 4)
    for backend in try allBackends(Float.self) {
      let predictor = Predictor(network, backend: backend)
      for rows in [5, 1, 0, 700, 3, 257] {
        let input: Matrix<Float> = randomMatrix(rows: rows, columns: 13, seed: UInt64(rows))
        #expect(bits(try predictor.predict(input)) == bits(try network.predict(input, on: backend)), "\(backend.name)")
      }
    }
  }

  @Test("More rows than run at a time make no difference to any")
  func manyRows() throws {
    let network = try Network<Double>(sizes: [2, 5000, 1], hidden: .relu, seed: 4)
    let input: Matrix<Double> = randomMatrix(rows: 600, columns: 2, seed: 1)
    let predictor = Predictor(network, backend: try Backends.make(.simd, as: Double.self))
    let all = try predictor.predict(input)
    for row in [0, 255, 256, 511, 512, 599] {
      let alone = try predictor.predict(Matrix(rows: 1, columns: 2, elements: [input[row, 0], input[row, 1]]))
      #expect(alone[0, 0].bitPattern == all[row, 0].bitPattern)
    }
  }

  @Test("Many threads may ask at once")
  func concurrent() throws {
    let network = try Network<Float>(sizes: [7, 40, 2], hidden: .sigmoid, seed: 4)
    for backend in try allBackends(Float.self) {
      let predictor = Predictor(network, backend: backend)
      let inputs: [Matrix<Float>] = (0..<16).map { randomMatrix(rows: $0 + 1, columns: 7, seed: UInt64($0)) }
      let expected = try inputs.map { bits(try predictor.predict($0)) }
      let wrong = Mutex(0)
      DispatchQueue.concurrentPerform(iterations: 400) { index in
        let answer = try? predictor.predict(inputs[index % 16])
        if answer.map(bits) != expected[index % 16] { wrong.withLock { $0 += 1 } }
      }
      #expect(wrong.withLock { $0 } == 0, "\(backend.name)")
    }
  }

  @Test("Shapes that do not fit are refused, and nothing is written")
  func shapes() throws {
    let network = try Network<Float>(sizes: [3, 4, 2], hidden: .relu, seed: 1)
    let predictor = Predictor(network, backend: try Backends.make(.scalar, as: Float.self))
    #expect(throws: NetworkError.inputColumns(expected: 3, found: 2)) {
      try predictor.predict(Matrix(rows: 1, columns: 2))
    }
    let input = Matrix<Float>(rows: 2, columns: 3)
    var output = Matrix<Float>(rows: 2, columns: 3, elements: [1, 2, 3, 4, 5, 6])
    #expect(throws: NetworkError.outputShape(expectedRows: 2, expectedColumns: 2, rows: 2, columns: 3)) {
      try input.withView { (input) throws(NetworkError) in
        try output.withMutableView { (output) throws(NetworkError) in try predictor.predict(input, into: output) }
      }
    }
    #expect(output.elements == [1, 2, 3, 4, 5, 6])
  }
}
