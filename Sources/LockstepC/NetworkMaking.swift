// Making, loading, saving, copying and freeing networks.

// Functions and parameters are called as in lockstep.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CLockstep
import ComputeBackend
import Lockstep

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_create(
  _ precision: Int32, _ sizes: UnsafePointer<Int64>?, _ size_count: Int64, _ activations: UnsafePointer<Int32>?,
  _ seed: UInt64, _ network: UnsafeMutablePointer<OpaquePointer?>?
) -> lockstep_status {
  make(network) { () throws(CallError) in
    guard let precision = try Constants.value(precision, in: Constants.precisions, "precision") else {
      throw CallError(LOCKSTEP_INVALID_ARGUMENT, "precision is 0; a new network needs one, there is no file")
    }
    let count = try size(size_count, "size_count", atLeast: 2)
    let sizePointer = try required(sizes, "sizes")
    let activationPointer = try required(activations, "activations")
    var sizes: [Int] = []
    for index in 0..<count { sizes.append(try size(sizePointer[index], "a number in sizes", atLeast: 1)) }
    var activations: [Activation] = []
    for index in 0..<count - 1 {
      activations.append(try activation(activationPointer[index], "a number in activations"))
    }
    switch precision {
    case .f32: return try handle(sizes: sizes, activations: activations, seed: seed, as: Float.self)
    case .f64: return try handle(sizes: sizes, activations: activations, seed: seed, as: Double.self)
    }
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_load(
  _ path: UnsafePointer<CChar>?, _ precision: Int32, _ network: UnsafeMutablePointer<OpaquePointer?>?
) -> lockstep_status {
  make(network) { () throws(CallError) in try load(path, precision: precision, activation: nil) }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_load_activated(
  _ path: UnsafePointer<CChar>?, _ precision: Int32, _ activation: Int32,
  _ network: UnsafeMutablePointer<OpaquePointer?>?
) -> lockstep_status {
  make(network) { () throws(CallError) in
    try load(path, precision: precision, activation: try LockstepC.activation(activation))
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_load_memory(
  _ bytes: UnsafeRawPointer?, _ size: Int, _ precision: Int32, _ network: UnsafeMutablePointer<OpaquePointer?>?
) -> lockstep_status {
  make(network) { () throws(CallError) in
    try load(bytes, size: size, precision: precision, activation: nil)
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_load_memory_activated(
  _ bytes: UnsafeRawPointer?, _ size: Int, _ precision: Int32, _ activation: Int32,
  _ network: UnsafeMutablePointer<OpaquePointer?>?
) -> lockstep_status {
  make(network) { () throws(CallError) in
    try load(bytes, size: size, precision: precision, activation: try LockstepC.activation(activation))
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_save(_ network: OpaquePointer?, _ path: UnsafePointer<CChar>?) -> lockstep_status {
  status { () throws(CallError) in
    let handle = try NetworkHandle.of(network)
    let path = try text(path, "path")
    try handle.lock.reading { () throws(CallError) in try handle.state.write(to: path) }
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_save_memory(
  _ network: OpaquePointer?, _ bytes: UnsafeMutableRawPointer?, _ size: Int, _ needed: UnsafeMutablePointer<Int>?
) -> lockstep_status {
  status { () throws(CallError) in
    let handle = try NetworkHandle.of(network)
    let parts = try handle.lock.reading { () throws(CallError) in try handle.state.modelFileParts() }
    let count = parts.reduce(0) { $0 + $1.count }
    needed?.pointee = count
    guard let bytes else { return }
    // What does not fit an Int is large enough.
    guard size < 0 || size >= count else {
      throw CallError(LOCKSTEP_INVALID_SHAPE, "size is \(size); the model takes \(count) bytes")
    }
    var next = bytes
    for part in parts {
      part.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: next, count: part.count).copyMemory(from: $0) }
      next += part.count
    }
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_copy(
  _ network: OpaquePointer?, _ copy: UnsafeMutablePointer<OpaquePointer?>?
) -> lockstep_status {
  status { () throws(CallError) in
    let slot = try required(copy, "copy")
    slot.pointee = nil
    let handle = try NetworkHandle.of(network)
    slot.pointee = handle.lock.reading { handle.state.copy() }.retainedPointer
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_free(_ network: OpaquePointer?) {
  if let network { Unmanaged<NetworkHandle>.fromOpaque(UnsafeRawPointer(network)).release() }
}

/// Puts a new network where the caller wants its handle, NULL where there is none.
private func make(
  _ network: UnsafeMutablePointer<OpaquePointer?>?, _ body: () throws(CallError) -> NetworkHandle
) -> lockstep_status {
  status { () throws(CallError) in
    let slot = try required(network, "network")
    slot.pointee = nil
    slot.pointee = try body().retainedPointer
  }
}

private func handle<Element: HandledElement>(
  sizes: [Int], activations: [Activation], seed: UInt64, as _: Element.Type
) throws(CallError) -> NetworkHandle {
  // The parameters as they are drawn, as a value, and in kernel memory.
  try requireMemory(
    bytes: 3 * MemoryUse.bytesOfParameters(sizes: sizes, precision: Element.precision), for: "a network of these sizes")
  let network: Network<Element>
  do {
    let drawn = try Network<Element>(sizes: sizes, hidden: .identity, seed: seed)
    network = try Network(
      layers: zip(drawn.layers, activations).map {
        DenseLayer(weights: $0.weights, bias: $0.bias, activation: $1)
      })
  } catch {
    throw CallError(error)
  }
  return NetworkHandle(NetworkState(network, description: ModelDescription(), backend: try .of(nil)))
}

/// A network from a file.
private func load(
  _ path: UnsafePointer<CChar>?, precision: Int32, activation: Activation?
) throws(CallError) -> NetworkHandle {
  let path = try text(path, "path")
  let precision = try Constants.value(precision, in: Constants.precisions, "precision")
  let file: NetworkFile
  do { file = try NetworkFile(contentsOf: path, activation: activation) } catch { throw CallError(error) }
  return try handle(file, precision: precision)
}

/// A network from the bytes of a file.
private func load(
  _ bytes: UnsafeRawPointer?, size: Int, precision: Int32, activation: Activation?
) throws(CallError) -> NetworkHandle {
  let start = try required(bytes, "bytes")
  guard size >= 0 else { throw CallError(LOCKSTEP_INVALID_SHAPE, "size is more than memory holds") }
  let precision = try Constants.value(precision, in: Constants.precisions, "precision")
  let bytes = UnsafeRawBufferPointer(start: start, count: size)
  let file: NetworkFile
  do { file = try NetworkFile(bytes: bytes, activation: activation) } catch { throw CallError(error) }
  return try handle(file, precision: precision)
}

extension NetworkFile {
  fileprivate init(bytes: UnsafeRawBufferPointer, activation: Activation?) throws(NetworkFileError) {
    let name = "the model in memory"
    let content: SafetensorsFile
    do { content = try SafetensorsFile(bytes: bytes, file: name) } catch { throw .file(error) }
    try self.init(content, path: name, activation: activation)
  }
}

private func handle(_ file: NetworkFile, precision: Precision?) throws(CallError) -> NetworkHandle {
  let backend = try BackendHandle.of(nil)
  do {
    return switch precision ?? file.precision {
    case .f32:
      NetworkHandle(NetworkState<Float>(try file.network(), description: file.description, backend: backend))
    case .f64:
      NetworkHandle(NetworkState<Double>(try file.network(), description: file.description, backend: backend))
    }
  } catch {
    throw CallError(error)
  }
}
