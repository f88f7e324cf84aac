// A network that answers call after call. A single answer from a network as a value lies in Prediction.swift.

import ComputeBackend

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
  /// Rooms that no call uses at the moment, each with a reference count of its own.
  private let idle = IdlePlaces()

  /// A predictor of a copy of `network`, with room for its first calls.
  ///
  /// A call with as many rows as were reserved allocates nothing, one with more rows makes larger room and keeps it. So
  /// does a call that begins while others have all the room: room grows to the largest number of calls at once, up to 32.
  /// Backends keep memory for packed operands in the same way, the OpenMP backend per thread; an ``AutomaticBackend``
  /// makes a place for a race in the first call on about as many rows, and in debug builds allocates until it has chosen.
  ///
  /// - Parameters:
  ///   - network: what to run.
  ///   - backend: what computes; no result depends on it. An ``AutomaticBackend`` finds out by the first calls.
  ///   - reservedRows: how many rows calls have.
  ///   - reservedCalls: how many calls run at once.
  /// - Precondition: neither number is negative.
  public convenience init(
    _ network: Network<Element>, backend: any ComputeBackend<Element>, reservedRows: Int = 1, reservedCalls: Int = 1
  ) {
    precondition(reservedRows >= 0 && reservedCalls >= 0, "A reserved number is negative")
    self.init(
      sharing: NetworkStorage(network), backend: backend, reservedRows: reservedRows, reservedCalls: reservedCalls)
  }

  /// A predictor that answers from `parameters` themselves, which nobody writes during a call.
  init(
    sharing parameters: NetworkStorage<Element>, backend: any ComputeBackend<Element>, reservedRows: Int = 1,
    reservedCalls: Int = 1
  ) {
    inputs = parameters.layers[0].weights.rows
    outputs = parameters.layers[parameters.layers.count - 1].weights.columns
    self.backend = backend
    self.parameters = parameters
    racing = Racing(backend, on: parameters, blocks: .automatic)
    let blockRows = max(256, (1 << 20) / parameters.layers.reduce(inputs) { max($0, $1.weights.columns) })
    self.blockRows = blockRows
    for _ in 0..<min(reservedCalls, IdlePlaces.count) {
      giveBack(Room(rows: min(reservedRows, blockRows), network: parameters))
    }
  }

  deinit {
    while let room = idle.take() { Unmanaged<Room>.fromOpaque(room).release() }
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

  /// The outputs for rows of input, into memory that the caller has. Nothing is allocated but what
  /// ``init(_:backend:reservedRows:reservedCalls:)`` says.
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
    run(input, into: output, on: racing.candidates[call?.candidate ?? 0])
    if let call { racing.end(call) }
  }

  /// Which backend computes predictions for `rows` rows, and why.
  public func backendChoice(rows: Int) -> BackendChoice {
    parameters.backendChoice(for: .predict, rows: rows, blocks: .automatic, on: backend, racing: racing)
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
        parameters, input: input.rows(rows), hidden: room.memory.matrices, output: output.rows(rows), on: backend)
      start = rows.upperBound
    }
    giveBack(room)
  }

  /// Room for the activations of `rows` rows, which nobody else uses until it is given back.
  private func borrowRoom(rows: Int) -> Room {
    if let used = idle.take() {
      let room = Unmanaged<Room>.fromOpaque(used).takeRetainedValue()
      if room.rows >= rows { return room }
    }
    return Room(rows: rows, network: parameters)
  }

  private func giveBack(_ room: Room) {
    guard let other = idle.giveBack(Unmanaged.passRetained(room).toOpaque()) else { return }
    Unmanaged<Room>.fromOpaque(other).release()
  }

  /// Room for the activations of the hidden layers.
  private final class Room: @unchecked Sendable {
    /// The most rows that it takes.
    let rows: Int
    let memory: MatrixGroup<Element>

    init(rows: Int, network: NetworkStorage<Element>) {
      self.rows = rows
      memory = MatrixGroup(shapes: network.layers.dropLast().map { (rows: rows, columns: $0.weights.columns) })
    }
  }
}
