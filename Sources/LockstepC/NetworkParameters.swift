// Reading and writing a network's parameters, all at once or layer by layer.

// Functions and parameters are called as in lockstep.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CLockstep
import ComputeBackend
import Lockstep

// MARK: - All at once

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_get_parameters_f32(
  _ network: OpaquePointer?, _ parameters: UnsafeMutablePointer<Float>?, _ count: Int64
) -> lockstep_status {
  status { () throws(CallError) in
    let handle = try NetworkHandle.of(network)
    let state = try handle.state(as: Float.self)
    let result = try WrittenOperand(
      parameters, "parameters", count: try size(count, "count", of: state.parameterCount))
    handle.lock.reading { copy(state.trainer.layers.map(\.readOnly), to: result.view) }
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_get_parameters_f64(
  _ network: OpaquePointer?, _ parameters: UnsafeMutablePointer<Double>?, _ count: Int64
) -> lockstep_status {
  status { () throws(CallError) in
    let handle = try NetworkHandle.of(network)
    let state = try handle.state(as: Double.self)
    let result = try WrittenOperand(
      parameters, "parameters", count: try size(count, "count", of: state.parameterCount))
    handle.lock.reading { copy(state.trainer.layers.map(\.readOnly), to: result.view) }
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_set_parameters_f32(
  _ network: OpaquePointer?, _ parameters: UnsafePointer<Float>?, _ count: Int64
) -> lockstep_status {
  status { () throws(CallError) in
    let handle = try NetworkHandle.of(network)
    let state = try handle.state(as: Float.self)
    let operand = try Operand(
      parameters, "parameters", count: try size(count, "count", of: state.parameterCount))
    handle.lock.writing { copy(operand.view, to: state.trainer.layers) }
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_set_parameters_f64(
  _ network: OpaquePointer?, _ parameters: UnsafePointer<Double>?, _ count: Int64
) -> lockstep_status {
  status { () throws(CallError) in
    let handle = try NetworkHandle.of(network)
    let state = try handle.state(as: Double.self)
    let operand = try Operand(
      parameters, "parameters", count: try size(count, "count", of: state.parameterCount))
    handle.lock.writing { copy(operand.view, to: state.trainer.layers) }
  }
}

// MARK: - Layer by layer

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_get_layer_f32(
  _ network: OpaquePointer?, _ layer: Int64, _ weights: UnsafeMutablePointer<Float>?, _ weights_stride: Int64,
  _ bias: UnsafeMutablePointer<Float>?
) -> lockstep_status {
  status { () throws(CallError) in
    try getLayer(network, layer, weights, weights_stride, bias)
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_get_layer_f64(
  _ network: OpaquePointer?, _ layer: Int64, _ weights: UnsafeMutablePointer<Double>?, _ weights_stride: Int64,
  _ bias: UnsafeMutablePointer<Double>?
) -> lockstep_status {
  status { () throws(CallError) in
    try getLayer(network, layer, weights, weights_stride, bias)
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_set_layer_f32(
  _ network: OpaquePointer?, _ layer: Int64, _ weights: UnsafePointer<Float>?, _ weights_stride: Int64,
  _ bias: UnsafePointer<Float>?
) -> lockstep_status {
  status { () throws(CallError) in
    try setLayer(network, layer, weights, weights_stride, bias)
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_set_layer_f64(
  _ network: OpaquePointer?, _ layer: Int64, _ weights: UnsafePointer<Double>?, _ weights_stride: Int64,
  _ bias: UnsafePointer<Double>?
) -> lockstep_status {
  status { () throws(CallError) in
    try setLayer(network, layer, weights, weights_stride, bias)
  }
}

private func getLayer<Element: HandledElement>(
  _ network: OpaquePointer?, _ layer: Int64, _ weights: UnsafeMutablePointer<Element>?, _ weightsStride: Int64,
  _ bias: UnsafeMutablePointer<Element>?
) throws(CallError) {
  let handle = try NetworkHandle.of(network)
  let state = try handle.state(as: Element.self)
  try handle.lock.reading { () throws(CallError) in
    let layers = state.trainer.layers
    let own = layers[try index(ofLayer: layer, among: layers.count)].readOnly
    let weights = try weights.map { (pointer) throws(CallError) in
      try WrittenOperand(
        pointer, "weights", rows: own.weights.rows, columns: own.weights.columns, stride: weightsStride)
    }
    let bias = try bias.map { (pointer) throws(CallError) in
      try WrittenOperand(pointer, "bias", count: own.bias.columns)
    }
    if let weights, let bias { try weights.requireDisjoint(from: bias) }
    weights?.view.copy(from: own.weights)
    bias?.view.copy(from: own.bias)
  }
}

private func setLayer<Element: HandledElement>(
  _ network: OpaquePointer?, _ layer: Int64, _ weights: UnsafePointer<Element>?, _ weightsStride: Int64,
  _ bias: UnsafePointer<Element>?
) throws(CallError) {
  let handle = try NetworkHandle.of(network)
  let state = try handle.state(as: Element.self)
  try handle.lock.writing { () throws(CallError) in
    let layers = state.trainer.layers
    let own = layers[try index(ofLayer: layer, among: layers.count)]
    let weights = try weights.map { (pointer) throws(CallError) in
      try Operand(
        pointer, "weights", rows: own.weights.rows, columns: own.weights.columns, stride: weightsStride)
    }
    let bias = try bias.map { (pointer) throws(CallError) in try Operand(pointer, "bias", count: own.bias.columns) }
    if let weights { own.weights.copy(from: weights.view) }
    if let bias { own.bias.copy(from: bias.view) }
  }
}

// MARK: - The order of a flat array

/// A number of elements that has to be a certain one.
func size(_ value: Int64, _ name: StaticString, of expected: Int) throws(CallError) -> Int {
  guard value == expected else {
    throw CallError(
      LOCKSTEP_INVALID_SHAPE, "\(name) is \(value); the network has \(expected) parameters")
  }
  return expected
}

/// Copies layers into one row: the weights of each, row after row, then its bias.
func copy<Element: KernelElement>(_ layers: [LayerView<Element>], to row: MutableMatrixView<Element>) {
  var next = row.base
  for layer in layers {
    for part in [layer.weights, layer.bias] {
      let count = part.rows * part.columns
      MutableMatrixView(
        UnsafeMutableBufferPointer(start: next, count: count), rows: part.rows, columns: part.columns
      ).copy(from: part)
      next += count
    }
  }
}

/// Copies one row into layers, in the same order.
private func copy<Element: KernelElement>(_ row: MatrixView<Element>, to layers: [MutableLayerView<Element>]) {
  var next = row.base
  for layer in layers {
    for part in [layer.weights, layer.bias] {
      let count = part.rows * part.columns
      part.copy(
        from: MatrixView(UnsafeBufferPointer(start: next, count: count), rows: part.rows, columns: part.columns))
      next += count
    }
  }
}
