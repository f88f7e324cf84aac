// The kernels on matrices alone, and digests of matrices.

// Functions and parameters are called as in lockstep.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CLockstep
import ComputeBackend
import Lockstep

// MARK: - Forward

/// See `lockstep.h`.
@c @implementation
public func lockstep_dense_forward_f32(
  _ backend: OpaquePointer?, _ rows: Int64, _ inputs: Int64, _ outputs: Int64, _ input: UnsafePointer<Float>?,
  _ input_stride: Int64, _ weights: UnsafePointer<Float>?, _ weights_stride: Int64, _ bias: UnsafePointer<Float>?,
  _ activation: Int32, _ output: UnsafeMutablePointer<Float>?, _ output_stride: Int64
) -> lockstep_status {
  status { () throws(CallError) in
    let shape = try Shape(backend, rows, inputs, outputs)
    try shape.forward(
      input, input_stride, weights, weights_stride, bias, activation, output, output_stride)
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_dense_forward_f64(
  _ backend: OpaquePointer?, _ rows: Int64, _ inputs: Int64, _ outputs: Int64, _ input: UnsafePointer<Double>?,
  _ input_stride: Int64, _ weights: UnsafePointer<Double>?, _ weights_stride: Int64, _ bias: UnsafePointer<Double>?,
  _ activation: Int32, _ output: UnsafeMutablePointer<Double>?, _ output_stride: Int64
) -> lockstep_status {
  status { () throws(CallError) in
    let shape = try Shape(backend, rows, inputs, outputs)
    try shape.forward(
      input, input_stride, weights, weights_stride, bias, activation, output, output_stride)
  }
}

// MARK: - Gradients

/// See `lockstep.h`.
@c @implementation
public func lockstep_dense_parameter_gradients_f32(
  _ backend: OpaquePointer?, _ rows: Int64, _ inputs: Int64, _ outputs: Int64, _ input: UnsafePointer<Float>?,
  _ input_stride: Int64, _ output_gradient: UnsafePointer<Float>?, _ output_gradient_stride: Int64,
  _ weight_gradient: UnsafeMutablePointer<Float>?, _ weight_gradient_stride: Int64,
  _ bias_gradient: UnsafeMutablePointer<Float>?
) -> lockstep_status {
  status { () throws(CallError) in
    let shape = try Shape(backend, rows, inputs, outputs)
    try shape.parameterGradients(
      input, input_stride, output_gradient, output_gradient_stride, weight_gradient, weight_gradient_stride,
      bias_gradient)
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_dense_parameter_gradients_f64(
  _ backend: OpaquePointer?, _ rows: Int64, _ inputs: Int64, _ outputs: Int64, _ input: UnsafePointer<Double>?,
  _ input_stride: Int64, _ output_gradient: UnsafePointer<Double>?, _ output_gradient_stride: Int64,
  _ weight_gradient: UnsafeMutablePointer<Double>?, _ weight_gradient_stride: Int64,
  _ bias_gradient: UnsafeMutablePointer<Double>?
) -> lockstep_status {
  status { () throws(CallError) in
    let shape = try Shape(backend, rows, inputs, outputs)
    try shape.parameterGradients(
      input, input_stride, output_gradient, output_gradient_stride, weight_gradient, weight_gradient_stride,
      bias_gradient)
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_dense_input_gradient_f32(
  _ backend: OpaquePointer?, _ rows: Int64, _ inputs: Int64, _ outputs: Int64,
  _ output_gradient: UnsafePointer<Float>?, _ output_gradient_stride: Int64, _ weights: UnsafePointer<Float>?,
  _ weights_stride: Int64, _ input: UnsafePointer<Float>?, _ input_stride: Int64, _ activation: Int32,
  _ input_gradient: UnsafeMutablePointer<Float>?, _ input_gradient_stride: Int64
) -> lockstep_status {
  status { () throws(CallError) in
    let shape = try Shape(backend, rows, inputs, outputs)
    try shape.inputGradient(
      output_gradient, output_gradient_stride, weights, weights_stride, input, input_stride, activation,
      input_gradient, input_gradient_stride)
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_dense_input_gradient_f64(
  _ backend: OpaquePointer?, _ rows: Int64, _ inputs: Int64, _ outputs: Int64,
  _ output_gradient: UnsafePointer<Double>?, _ output_gradient_stride: Int64, _ weights: UnsafePointer<Double>?,
  _ weights_stride: Int64, _ input: UnsafePointer<Double>?, _ input_stride: Int64, _ activation: Int32,
  _ input_gradient: UnsafeMutablePointer<Double>?, _ input_gradient_stride: Int64
) -> lockstep_status {
  status { () throws(CallError) in
    let shape = try Shape(backend, rows, inputs, outputs)
    try shape.inputGradient(
      output_gradient, output_gradient_stride, weights, weights_stride, input, input_stride, activation,
      input_gradient, input_gradient_stride)
  }
}

/// The shape of a dense layer on a batch, and what computes.
private struct Shape {
  private let backend: BackendHandle
  private let rows: Int
  private let inputs: Int
  private let outputs: Int

  init(_ backend: OpaquePointer?, _ rows: Int64, _ inputs: Int64, _ outputs: Int64) throws(CallError) {
    self.backend = try BackendHandle.of(backend)
    self.rows = try size(rows, "rows")
    self.inputs = try size(inputs, "inputs")
    self.outputs = try size(outputs, "outputs")
  }

  func forward<Element: HandledElement>(
    _ input: UnsafePointer<Element>?, _ inputStride: Int64, _ weights: UnsafePointer<Element>?,
    _ weightsStride: Int64, _ bias: UnsafePointer<Element>?, _ constant: Int32,
    _ output: UnsafeMutablePointer<Element>?, _ outputStride: Int64
  ) throws(CallError) {
    let input = try Operand(input, "input", rows: rows, columns: inputs, stride: inputStride)
    let weights = try Operand(weights, "weights", rows: inputs, columns: outputs, stride: weightsStride)
    let bias = try Operand(bias, "bias", count: outputs)
    let activation = try activation(constant)
    let output = try WrittenOperand(output, "output", rows: rows, columns: outputs, stride: outputStride)
    try output.requireDisjoint(from: input)
    try output.requireDisjoint(from: weights)
    try output.requireDisjoint(from: bias)
    Element.backend(of: backend).forward(
      input: input.view, weights: weights.view, bias: bias.view, activation: activation, output: output.view)
  }

  func parameterGradients<Element: HandledElement>(
    _ input: UnsafePointer<Element>?, _ inputStride: Int64, _ outputGradient: UnsafePointer<Element>?,
    _ outputGradientStride: Int64, _ weightGradient: UnsafeMutablePointer<Element>?, _ weightGradientStride: Int64,
    _ biasGradient: UnsafeMutablePointer<Element>?
  ) throws(CallError) {
    let input = try Operand(input, "input", rows: rows, columns: inputs, stride: inputStride)
    let outputGradient = try Operand(
      outputGradient, "output_gradient", rows: rows, columns: outputs, stride: outputGradientStride)
    let weightGradient = try WrittenOperand(
      weightGradient, "weight_gradient", rows: inputs, columns: outputs, stride: weightGradientStride)
    let biasGradient = try WrittenOperand(biasGradient, "bias_gradient", count: outputs)
    try weightGradient.requireDisjoint(from: input)
    try weightGradient.requireDisjoint(from: outputGradient)
    try weightGradient.requireDisjoint(from: biasGradient)
    try biasGradient.requireDisjoint(from: input)
    try biasGradient.requireDisjoint(from: outputGradient)
    Element.backend(of: backend).parameterGradients(
      input: input.view, outputGradient: outputGradient.view, weightGradient: weightGradient.view,
      biasGradient: biasGradient.view)
  }

  func inputGradient<Element: HandledElement>(
    _ outputGradient: UnsafePointer<Element>?, _ outputGradientStride: Int64, _ weights: UnsafePointer<Element>?,
    _ weightsStride: Int64, _ input: UnsafePointer<Element>?, _ inputStride: Int64, _ constant: Int32,
    _ inputGradient: UnsafeMutablePointer<Element>?, _ inputGradientStride: Int64
  ) throws(CallError) {
    let outputGradient = try Operand(
      outputGradient, "output_gradient", rows: rows, columns: outputs, stride: outputGradientStride)
    let weights = try Operand(weights, "weights", rows: inputs, columns: outputs, stride: weightsStride)
    let input = try Operand(input, "input", rows: rows, columns: inputs, stride: inputStride)
    let activation = try activation(constant)
    let inputGradient = try WrittenOperand(
      inputGradient, "input_gradient", rows: rows, columns: inputs, stride: inputGradientStride)
    try inputGradient.requireDisjoint(from: outputGradient)
    try inputGradient.requireDisjoint(from: weights)
    try inputGradient.requireDisjoint(from: input)
    Element.backend(of: backend).inputGradient(
      outputGradient: outputGradient.view, weights: weights.view, input: input.view, activation: activation,
      inputGradient: inputGradient.view)
  }
}

// MARK: - Digests

/// See `lockstep.h`.
@c @implementation
public func lockstep_digest_f32(
  _ rows: Int64, _ columns: Int64, _ values: UnsafePointer<Float>?, _ stride: Int64,
  _ digest: UnsafeMutablePointer<CChar>?, _ size: Int
) -> lockstep_status {
  status { () throws(CallError) in
    let (rows, columns) = (try LockstepC.size(rows, "rows"), try LockstepC.size(columns, "columns"))
    let values = try Operand(values, "values", rows: rows, columns: columns, stride: stride)
    try write(values.digest, "digest", to: digest, size: size)
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_digest_f64(
  _ rows: Int64, _ columns: Int64, _ values: UnsafePointer<Double>?, _ stride: Int64,
  _ digest: UnsafeMutablePointer<CChar>?, _ size: Int
) -> lockstep_status {
  status { () throws(CallError) in
    let (rows, columns) = (try LockstepC.size(rows, "rows"), try LockstepC.size(columns, "columns"))
    let values = try Operand(values, "values", rows: rows, columns: columns, stride: stride)
    try write(values.digest, "digest", to: digest, size: size)
  }
}

extension Operand {
  /// The digest of the elements, row after row.
  fileprivate var digest: String {
    Digest.fnv1a(
      (0..<view.rows).lazy.flatMap { row in
        UnsafeBufferPointer(start: view.base + row * view.stride, count: view.columns)
      })
  }
}
