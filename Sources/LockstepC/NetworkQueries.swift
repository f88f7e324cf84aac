// What a network is, and what computes it.

// Functions and parameters are called as in lockstep.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CLockstep
import ComputeBackend

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_set_backend(_ network: OpaquePointer?, _ backend: OpaquePointer?) -> lockstep_status {
  status { () throws(CallError) in
    let handle = try NetworkHandle.of(network)
    let backend = try BackendHandle.of(backend)
    handle.lock.writing { handle.state.setBackend(backend) }
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_precision(
  _ network: OpaquePointer?, _ precision: UnsafeMutablePointer<Int32>?
) -> lockstep_status {
  status { () throws(CallError) in
    let handle = try NetworkHandle.of(network)
    try required(precision, "precision").pointee = Constants.constant(for: handle.precision, in: Constants.precisions)
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_shape(
  _ network: OpaquePointer?, _ inputs: UnsafeMutablePointer<Int64>?, _ outputs: UnsafeMutablePointer<Int64>?,
  _ layers: UnsafeMutablePointer<Int64>?, _ parameters: UnsafeMutablePointer<Int64>?
) -> lockstep_status {
  status { () throws(CallError) in
    let handle = try NetworkHandle.of(network)
    let shapes = handle.lock.reading { handle.state.shapes }
    inputs?.pointee = Int64(shapes[0].inputs)
    outputs?.pointee = Int64(shapes[shapes.count - 1].outputs)
    layers?.pointee = Int64(shapes.count)
    parameters?.pointee = Int64(shapes.reduce(0) { $0 + ($1.inputs + 1) * $1.outputs })
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_layer(
  _ network: OpaquePointer?, _ layer: Int64, _ inputs: UnsafeMutablePointer<Int64>?,
  _ outputs: UnsafeMutablePointer<Int64>?, _ activation: UnsafeMutablePointer<Int32>?
) -> lockstep_status {
  status { () throws(CallError) in
    let handle = try NetworkHandle.of(network)
    let shapes = handle.lock.reading { handle.state.shapes }
    let shape = shapes[try index(ofLayer: layer, among: shapes.count)]
    inputs?.pointee = Int64(shape.inputs)
    outputs?.pointee = Int64(shape.outputs)
    activation?.pointee = Constants.constant(for: shape.activation, in: Constants.activations)
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_digest(
  _ network: OpaquePointer?, _ digest: UnsafeMutablePointer<CChar>?, _ size: Int
) -> lockstep_status {
  status { () throws(CallError) in
    let handle = try NetworkHandle.of(network)
    try write(handle.lock.reading { handle.state.parametersDigest }, "digest", to: digest, size: size)
  }
}

/// The number of a layer.
func index(ofLayer layer: Int64, among count: Int) throws(CallError) -> Int {
  guard 0..<Int64(count) ~= layer else {
    throw CallError(LOCKSTEP_INVALID_ARGUMENT, "layer is \(layer); it must lie between 0 and \(count - 1)")
  }
  return Int(layer)
}
