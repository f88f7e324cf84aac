// Single arguments of the C interface: pointers, sizes, constants, texts, the machine's memory. Matrices lie in
// Operands.swift.

import CLockstep
import ComputeBackend
import Lockstep

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The pointer, where it is one.
func required<Pointer>(_ pointer: Pointer?, _ name: StaticString) throws(CallError) -> Pointer {
  guard let pointer else { throw CallError(LOCKSTEP_INVALID_ARGUMENT, "\(name) is NULL") }
  return pointer
}

/// A number of rows, columns or elements.
func size(_ value: Int64, _ name: StaticString, atLeast least: Int64 = 0) throws(CallError) -> Int {
  guard value >= least, let size = Int(exactly: value) else {
    throw CallError(LOCKSTEP_INVALID_SHAPE, "\(name) is \(value); it must be \(least) or more")
  }
  return size
}

/// A path or name, where it is UTF-8.
func text(_ pointer: UnsafePointer<CChar>?, _ name: StaticString) throws(CallError) -> String {
  guard let text = String(validatingCString: try required(pointer, name)) else {
    throw CallError(LOCKSTEP_INVALID_ARGUMENT, "\(name) is not UTF-8")
  }
  return text
}

/// The most threads that a backend may use; `nil` where that is left open.
func threads(_ value: Int32) throws(CallError) -> Int? {
  guard 0...Backends.maximumThreads ~= Int(value) else {
    throw CallError(
      LOCKSTEP_INVALID_ARGUMENT, "threads is \(value); it must lie between 0 and \(Backends.maximumThreads)")
  }
  return value == 0 ? nil : Int(value)
}

// MARK: - Constants

/// The constants of `lockstep.h`, in its order.
enum Constants {
  static let activations: [Activation] = [
    .identity, .relu, .leakyReLU, .tanh, .sigmoid, .elu, .softplus, .silu, .gelu,
  ]
  static let losses: [Loss] = [
    .meanSquaredError, .binaryCrossEntropy, .softmaxCrossEntropy, .meanAbsoluteError, .huber,
  ]
  /// The first stands for any.
  static let backends: [BackendKind?] = [nil, .scalar, .simd, .openmp]
  static let works: [BackendWork] = [.predict, .gradients, .step]
  /// The first stands for that of the file.
  static let precisions: [Precision?] = [nil, .f32, .f64]

  /// The value that a constant stands for.
  static func value<Value>(_ constant: Int32, in values: [Value], _ name: StaticString) throws(CallError) -> Value {
    guard values.indices.contains(Int(constant)) else {
      throw CallError(
        LOCKSTEP_INVALID_ARGUMENT, "\(name) is \(constant); it must lie between 0 and \(values.count - 1)")
    }
    return values[Int(constant)]
  }

  /// The constant for a value that is one of them.
  static func constant<Value: Equatable>(for value: Value, in values: [Value]) -> Int32 {
    Int32(values.firstIndex(of: value) ?? -1)
  }
}

/// An activation by its constant.
func activation(_ constant: Int32, _ name: StaticString = "activation") throws(CallError) -> Activation {
  try Constants.value(constant, in: Constants.activations, name)
}

/// A loss by its constant.
func loss(_ constant: Int32) throws(CallError) -> Loss {
  try Constants.value(constant, in: Constants.losses, "loss")
}

/// A learning rate in the network's precision.
func learningRate<Element: KernelElement>(
  _ value: Double, as _: Element.Type = Element.self
) throws(CallError) -> Element {
  let rate = Element(value)
  guard rate.isFinite else {
    throw CallError(
      LOCKSTEP_INVALID_ARGUMENT, "learning_rate is \(value); it must be a finite number in \(Element.precision)")
  }
  return rate
}

// MARK: - Memory

/// Refuses what cannot fit into the machine's memory: memory that is not there ends the program.
func requireMemory(bytes: Double, for purpose: @autoclosure () -> String) throws(CallError) {
  let memory = Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE)))
  guard bytes < memory else {
    throw CallError(LOCKSTEP_OUT_OF_MEMORY, "\(purpose()) does not fit into this machine's memory")
  }
}

// MARK: - Results

/// Writes a text and a NUL, whole or not at all.
func write(
  _ text: String, _ name: StaticString, to pointer: UnsafeMutablePointer<CChar>?, size: Int
) throws(CallError) {
  let pointer = try required(pointer, name)
  // What does not fit an Int is large enough.
  guard size < 0 || size > text.utf8.count else {
    throw CallError(LOCKSTEP_INVALID_SHAPE, "size is \(size); the \(name) takes \(text.utf8.count + 1) bytes")
  }
  for (index, byte) in text.utf8.enumerated() { pointer[index] = CChar(bitPattern: byte) }
  pointer[text.utf8.count] = 0
}
