// Single arguments of the C interface: pointers, sizes, constants, paths, the machine's memory. Matrices lie in
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

/// The path, where it is UTF-8.
func path(_ pointer: UnsafePointer<CChar>?) throws(CallError) -> String {
  guard let path = String(validatingCString: try required(pointer, "path")) else {
    throw CallError(LOCKSTEP_INVALID_ARGUMENT, "path is not UTF-8")
  }
  return path
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

/// Writes a digest, 16 characters and a NUL.
func write(digest: String, to pointer: UnsafeMutablePointer<CChar>?, size: Int) throws(CallError) {
  let pointer = try required(pointer, "digest")
  // What does not fit an Int is large enough.
  guard size < 0 || size > digest.utf8.count else {
    throw CallError(LOCKSTEP_INVALID_SHAPE, "size is \(size); a digest takes \(digest.utf8.count + 1) bytes")
  }
  for (index, character) in digest.utf8.enumerated() { pointer[index] = CChar(character) }
  pointer[digest.utf8.count] = 0
}
