// A network that answers call after call. A single answer from a network as a value lies in Prediction.swift.

import ComputeBackend
import Synchronization

/// Runs a network forward, over and over: it holds the parameters in kernel memory, and keeps the room for activations
/// from call to call.
///
/// Any number of tasks and threads may use one predictor at once; each call works in room of its own. No result depends
/// on what else runs.
public final class Predictor<Element: KernelElement>: Sendable {
  /// How many numbers an input row has.
  public let inputs: Int
  /// How many numbers an output row has.
  public let outputs: Int
  private let backend: any ComputeBackend<Element>
  /// Who computes what, where the backend that was given leaves that open.
  private let racing: Racing<Element>?
  /// Not written while a call runs.
  private nonisolated(unsafe) let parameters: NetworkStorage<Element>
  /// The most rows that run at a time: as many as keep activations near a core's cache.
  private let blockRows: Int
  /// Room that no call uses at the moment.
  private let idle = Mutex<[Room]>([])

  /// A predictor of a copy of `network`.
  ///
  /// - Parameters:
  ///   - network: what to run.
  ///   - backend: what computes; no result depends on it. An ``AutomaticBackend`` finds out by the first calls.
  public convenience init(_ network: Network<Element>, backend: any ComputeBackend<Element>) {
    self.init(sharing: NetworkStorage(network), backend: backend)
  }

  /// A predictor that answers from `parameters` themselves, which nobody writes during a call.
  init(sharing parameters: NetworkStorage<Element>, backend: any ComputeBackend<Element>) {
    inputs = parameters.layers[0].weights.rows
    outputs = parameters.layers[parameters.layers.count - 1].weights.columns
    self.backend = backend
    self.parameters = parameters
    racing = Racing(backend, on: parameters, blocks: .automatic)
    blockRows = max(256, (1 << 20) / parameters.layers.reduce(inputs) { max($0, $1.weights.columns) })
  }

  /// The outputs for rows of input: each row's depend on that row alone.
  ///
  /// - Parameter input: `[rows × inputs]`.
  /// - Returns: `[rows × outputs]`.
  /// - Throws: ``NetworkError/inputColumns(expected:found:)``.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func predict(_ input: Matrix<Element>) throws(NetworkError) -> Matrix<Element> {
    var output = Matrix<Element>(rows: input.rows, columns: outputs)
    try input.withView { (input) throws(NetworkError) in
      try output.withMutableView { (output) throws(NetworkError) in try predict(input, into: output) }
    }
    return output
  }

  /// The outputs for rows of input, into memory that the caller has. From the second call with as many rows on, at
  /// most a few arrays of views are allocated, and nothing where all rows run at a time.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`.
  ///   - output: `[rows × outputs]`, written; it does not overlap the input.
  /// - Throws: ``NetworkError`` where a shape does not fit.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func predict(
    _ input: MatrixView<Element>, into output: MutableMatrixView<Element>
  ) throws(NetworkError) {
    guard input.columns == inputs else { throw .inputColumns(expected: inputs, found: input.columns) }
    guard output.rows == input.rows, output.columns == outputs else {
      throw .outputShape(
        expectedRows: input.rows, expectedColumns: outputs, rows: output.rows, columns: output.columns)
    }
    guard input.rows > 0 else { return }
    guard let racing else { return run(input, into: output, on: backend) }
    let winner = racing.winner(.predict, rows: input.rows)
    if winner >= 0 { return run(input, into: output, on: racing.candidates[winner]) }
    let call = racing.begin(.predict, rows: input.rows)
    run(input, into: output, on: racing.candidates[call.candidate])
    racing.end(call)
  }

  /// Which backend computes predictions for `rows` rows, and why.
  public func backendChoice(rows: Int) -> BackendChoice {
    parameters.backendChoice(for: .predict, rows: rows, blocks: .automatic, on: backend)
  }

  /// The outputs of a row or more, in views whose shapes fit.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  private func run(
    _ input: MatrixView<Element>, into output: MutableMatrixView<Element>, on backend: any ComputeBackend<Element>
  ) {
    let room = borrowRoom(rows: min(input.rows, blockRows))
    var start = 0
    while start < input.rows {
      let rows = start..<min(start + blockRows, input.rows)
      forward(
        parameters, input: input.rows(rows), hidden: room.views(rows: rows.count), output: output.rows(rows),
        on: backend)
      start = rows.upperBound
    }
    idle.withLock { $0.append(room) }
  }

  /// Room for the activations of `rows` rows, which nobody else uses until it is given back.
  private func borrowRoom(rows: Int) -> Room {
    let used = idle.withLock { $0.popLast() }
    if let used, used.rows >= rows { return used }
    return Room(rows: rows, network: parameters)
  }

  /// Room for the activations of the hidden layers.
  private final class Room: @unchecked Sendable {
    /// The most rows that it takes.
    let rows: Int
    private let memory: MatrixGroup<Element>
    private var latest: (rows: Int, views: [MutableMatrixView<Element>])

    init(rows: Int, network: NetworkStorage<Element>) {
      self.rows = rows
      memory = MatrixGroup(shapes: network.layers.dropLast().map { (rows: rows, columns: $0.weights.columns) })
      latest = (rows, memory.matrices)
    }

    /// The first `rows` rows of each matrix, kept for the next call.
    func views(rows: Int) -> [MutableMatrixView<Element>] {
      if latest.rows != rows { latest = (rows, memory.matrices.map { $0.rows(0..<rows) }) }
      return latest.views
    }
  }
}
