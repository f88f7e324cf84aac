// Networks behind handles, in either precision. The functions that take them lie in the files beside this one.

import CLockstep
import ComputeBackend
import Lockstep

/// What `lockstep_network` points at.
final class NetworkHandle {
  let precision: Precision
  /// A `NetworkState` of the precision.
  let state: any AnyNetworkState
  /// Held while the state is read or written.
  let lock = ReadersWriterLock()

  init<Element: HandledElement>(_ state: NetworkState<Element>) {
    precision = Element.precision
    self.state = state
  }

  /// The network behind a handle.
  @inline(__always)
  static func of(_ handle: OpaquePointer?) throws(CallError) -> NetworkHandle {
    let handle = try required(handle, "network")
    return Unmanaged<NetworkHandle>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
  }

  /// The handle, to be freed by the caller.
  var retainedPointer: OpaquePointer { OpaquePointer(Unmanaged.passRetained(self).toOpaque()) }

  /// The state, where it is of the precision that the function is for.
  @inline(__always)
  func state<Element: HandledElement>(as _: Element.Type) throws(CallError) -> NetworkState<Element> {
    guard precision == Element.precision else {
      throw CallError(
        LOCKSTEP_WRONG_PRECISION,
        "network is \(precision.rawValue), but the function is for \(Element.precision.rawValue)")
    }
    return unsafeDowncast(state, to: NetworkState<Element>.self)
  }
}

/// What can be done to a network whatever its precision.
protocol AnyNetworkState: AnyObject {
  /// The shape of each layer.
  var shapes: [LayerShape] { get }
  var parametersDigest: String { get }
  func write(to path: String) throws(CallError)
  /// What `write` writes.
  func modelFileParts() throws(CallError) -> [ArraySlice<UInt8>]
  func copy() -> NetworkHandle
  func setBackend(_ backend: BackendHandle)
  /// What computes a kind of work on so many rows.
  func backendChoice(for work: BackendWork, rows: Int) -> BackendChoice
}

/// The shape of a layer, and what it applies.
struct LayerShape {
  let inputs: Int
  let outputs: Int
  let activation: Activation
}

/// A network that predicts and trains, on one set of parameters.
final class NetworkState<Element: HandledElement>: AnyNetworkState {
  let inputs: Int
  let outputs: Int
  let parameterCount: Int
  private(set) var trainer: Trainer<Element>
  private(set) var predictor: Predictor<Element>
  private var backend: BackendHandle
  private var description: ModelDescription
  /// Rows of the largest batch that is known to fit into memory.
  private var rowsThatFit = 0

  init(_ network: Network<Element>, description: ModelDescription, backend: BackendHandle) {
    inputs = network.inputs
    outputs = network.outputs
    parameterCount = network.parameterCount
    self.description = description
    self.backend = backend
    trainer = Trainer(network, loss: description.loss ?? .meanSquaredError, backend: Element.backend(of: backend))
    predictor = trainer.makePredictor()
  }

  var shapes: [LayerShape] {
    trainer.layers.map {
      LayerShape(inputs: $0.weights.rows, outputs: $0.weights.columns, activation: $0.activation)
    }
  }

  var parametersDigest: String { trainer.network.parametersDigest }

  func write(to path: String) throws(CallError) {
    do { try trainer.network.write(to: path, description: description) } catch { throw CallError(error) }
  }

  func modelFileParts() throws(CallError) -> [ArraySlice<UInt8>] {
    do {
      return try trainer.network.modelFile(description: description).parts(file: "the model in memory")
    } catch {
      throw CallError(error)
    }
  }

  func copy() -> NetworkHandle {
    NetworkHandle(NetworkState(trainer.network, description: description, backend: backend))
  }

  func setBackend(_ backend: BackendHandle) {
    self.backend = backend
    trainer = Trainer(trainer.network, loss: trainer.loss, backend: Element.backend(of: backend))
    predictor = trainer.makePredictor()
    rowsThatFit = 0
  }

  func backendChoice(for work: BackendWork, rows: Int) -> BackendChoice {
    trainer.backendChoice(for: work, rows: rows)
  }

  /// The trainer for batches of `rows` rows, making `loss` small.
  func trainer(for loss: Loss, rows: Int) throws(CallError) -> Trainer<Element> {
    try requireMemory(rows: rows)
    trainer.loss = loss
    return trainer
  }

  /// Remembers what the network is trained for.
  func setTrained(for loss: Loss) { description.loss = loss }

  private func requireMemory(rows: Int) throws(CallError) {
    guard rows > rowsThatFit else { return }
    let purpose = "training on \(rows) rows"
    // Bounded from above first, as the exact figure of absurd sizes would overflow.
    let widths = trainer.layers.reduce(0.0) { $0 + Double($1.weights.columns) }
    guard Double(rows) * widths * 64 < 0x1p62 else { throw CallError(LOCKSTEP_OUT_OF_MEMORY, "\(purpose) overflows") }
    try LockstepC.requireMemory(bytes: Double(trainer.memoryUse(rows: rows).total), for: purpose)
    rowsThatFit = rows
  }
}
