// Every wrong argument of the C interface gives a status and a message that names it.

import CLockstep
import ComputeBackend
import Foundation
import Lockstep
import Testing

@Suite("Statuses in C")
struct StatusTests {
  private let numbers = [Float](repeating: 1, count: 64)
  private let mse = Int32(LOCKSTEP_LOSS_MEAN_SQUARED_ERROR)

  /// A network of 2 inputs, 3 hidden units and 1 output: 13 parameters.
  private func network() throws -> CNetwork {
    try CNetwork(sizes: [2, 3, 1], activations: [LOCKSTEP_ACTIVATION_RELU, LOCKSTEP_ACTIVATION_IDENTITY])
  }

  private func expect(
    _ status: Int, naming name: String, of call: lockstep_status, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(call == status, "\(message)", sourceLocation: sourceLocation)
    #expect(message.contains(name), "\(message)", sourceLocation: sourceLocation)
  }

  @Test("Making a network")
  func creating() throws {
    var handle: OpaquePointer? = OpaquePointer(bitPattern: 8)
    func create(_ precision: Int, _ sizes: [Int64]?, _ activations: [Int32]?) -> lockstep_status {
      lockstep_network_create(Int32(precision), sizes, Int64(sizes?.count ?? 2), activations, 1, &handle)
    }
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "precision", of: create(0, [1, 1], [0]))
    #expect(handle == nil)
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "precision", of: create(3, [1, 1], [0]))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "sizes", of: create(1, nil, [0]))
    expect(LOCKSTEP_INVALID_SHAPE, naming: "size_count", of: create(1, [1], [0]))
    expect(LOCKSTEP_INVALID_SHAPE, naming: "sizes", of: create(1, [1, 0], [0]))
    expect(LOCKSTEP_INVALID_SHAPE, naming: "sizes", of: create(1, [-1, 1], [0]))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "activations", of: create(1, [1, 1], nil))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "activations", of: create(1, [1, 1], [99]))
    expect(LOCKSTEP_OUT_OF_MEMORY, naming: "sizes", of: create(1, [.max, .max], [0]))
    expect(LOCKSTEP_OUT_OF_MEMORY, naming: "sizes", of: create(2, [1 << 31, 1 << 31, 1 << 31], [0, 0]))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "network", of: lockstep_network_create(1, [1, 1], 2, [0], 1, nil))
  }

  @Test("Loading and saving")
  func files() throws {
    var handle: OpaquePointer?
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "path", of: lockstep_network_load(nil, 0, &handle))
    expect(
      LOCKSTEP_INVALID_ARGUMENT, naming: "UTF-8",
      of: lockstep_network_load([CChar(bitPattern: 0xFF), 0], 0, &handle))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "precision", of: lockstep_network_load("/dev/null", -1, &handle))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "network", of: lockstep_network_load("/dev/null", 0, nil))
    expect(LOCKSTEP_FILE_ERROR, naming: "/nonexistent", of: lockstep_network_load("/nonexistent", 0, &handle))
    expect(LOCKSTEP_FILE_ERROR, naming: "folder", of: lockstep_network_load("/", 0, &handle))
    #expect(lockstep_error_number() == EISDIR)
    expect(LOCKSTEP_INVALID_MODEL, naming: "/dev/null", of: lockstep_network_load("/dev/null", 0, &handle))
    #expect(lockstep_error_number() == 0)
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "bytes", of: lockstep_network_load_memory(nil, 8, 0, &handle))
    expect(LOCKSTEP_INVALID_SHAPE, naming: "size", of: lockstep_network_load_memory("x", -1, 0, &handle))
    expect(LOCKSTEP_INVALID_MODEL, naming: "memory", of: lockstep_network_load_memory("x", 1, 0, &handle))
    #expect(handle == nil)
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "network", of: lockstep_network_save(nil, "x"))
    let network = try network()
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "path", of: lockstep_network_save(network.handle, nil))
    expect(
      LOCKSTEP_FILE_ERROR, naming: "/nonexistent", of: lockstep_network_save(network.handle, "/nonexistent/model"))
    #expect(lockstep_error_number() == ENOENT)
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "copy", of: lockstep_network_copy(network.handle, nil))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "network", of: lockstep_network_copy(nil, &handle))
  }

  @Test("Predicting")
  func predicting() throws {
    let network = try network()
    var output = numbers
    func predict(
      _ rows: Int64, _ input: UnsafePointer<Float>?, _ stride: Int64, _ output: UnsafeMutablePointer<Float>?,
      _ outputStride: Int64 = 1
    ) -> lockstep_status {
      lockstep_network_predict_f32(network.handle, rows, input, stride, output, outputStride)
    }
    expect(LOCKSTEP_INVALID_SHAPE, naming: "rows", of: predict(-1, numbers, 2, &output))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "input", of: predict(1, nil, 2, &output))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "output", of: predict(1, numbers, 2, nil))
    expect(LOCKSTEP_INVALID_SHAPE, naming: "input", of: predict(1, numbers, 1, &output))
    expect(LOCKSTEP_INVALID_SHAPE, naming: "output", of: predict(1, numbers, 2, &output, 0))
    expect(LOCKSTEP_INVALID_SHAPE, naming: "input", of: predict(.max, numbers, 2, &output))
    expect(LOCKSTEP_INVALID_SHAPE, naming: "input", of: predict(2, numbers, .max, &output))
    expect(LOCKSTEP_INVALID_SHAPE, naming: "input", of: predict(1 << 40, numbers, 1 << 30, &output))
    #expect(predict(0, nil, 2, nil) == LOCKSTEP_OK)
    numbers.withUnsafeBytes { bytes in
      let odd = bytes.baseAddress!.advanced(by: 1).assumingMemoryBound(to: Float.self)
      expect(LOCKSTEP_INVALID_ARGUMENT, naming: "input", of: predict(1, odd, 2, &output))
    }
    var single = 0.0
    expect(
      LOCKSTEP_WRONG_PRECISION, naming: "network",
      of: lockstep_network_predict_f64(network.handle, 1, [1, 1], 2, &single, 1))
    expect(
      LOCKSTEP_INVALID_ARGUMENT, naming: "network", of: lockstep_network_predict_f32(nil, 1, numbers, 2, &output, 1))
    output.withUnsafeMutableBufferPointer { memory in
      let base = memory.baseAddress!
      expect(LOCKSTEP_OVERLAP, naming: "output", of: predict(2, base, 2, base + 3))
      // Side by side in rows of four: columns 0 and 1 are read, column 2 or 3 is written.
      #expect(predict(4, base, 4, base + 2, 4) == LOCKSTEP_OK)
      #expect(predict(4, base + 4, 4, base + 3, 4) == LOCKSTEP_OK)
      expect(LOCKSTEP_OVERLAP, naming: "output", of: predict(4, base, 4, base + 1, 4))
      expect(LOCKSTEP_OVERLAP, naming: "output", of: predict(4, base + 3, 4, base + 4, 4))
    }
  }

  @Test("Training")
  func training() throws {
    let network = try network()
    var mean: Float = 5
    func step(_ rows: Int64, _ target: [Float]?, loss: Int32 = 0, rate: Float = 0.1) -> lockstep_status {
      lockstep_network_step_f32(network.handle, rows, numbers, 2, target, 1, loss, rate, &mean)
    }
    expect(LOCKSTEP_INVALID_SHAPE, naming: "rows", of: step(0, numbers))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "target", of: step(1, nil))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "loss", of: step(1, numbers, loss: 99))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "loss", of: step(1, numbers, loss: -1))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "learning_rate", of: step(1, numbers, rate: .nan))
    // Wide layers keep the activations of the whole batch.
    let wide = try CNetwork(
      sizes: [2, 2000, 1], activations: [LOCKSTEP_ACTIVATION_RELU, LOCKSTEP_ACTIVATION_IDENTITY])
    for rows: Int64 in [1 << 42, 1 << 55] {
      expect(
        LOCKSTEP_OUT_OF_MEMORY, naming: "rows",
        of: lockstep_network_step_f32(wide.handle, rows, numbers, 2, numbers, 1, mse, 0.1, nil))
    }
    #expect(mean == 5)
    #expect(lockstep_network_step_f32(network.handle, 1, numbers, 2, numbers, 1, mse, 0.1, nil) == LOCKSTEP_OK)

    func train(rate: Double = 0.1, epochs: Int64 = 1, batch: Int64 = 1) -> lockstep_status {
      lockstep_network_train_f32(network.handle, 1, numbers, 2, numbers, 1, mse, rate, epochs, batch, 0, 0, nil)
    }
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "learning_rate", of: train(rate: 1e300))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "epochs", of: train(epochs: -1))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "epochs", of: train(epochs: .max))
    expect(LOCKSTEP_INVALID_SHAPE, naming: "batch_size", of: train(batch: 0))
    #expect(train(epochs: 0) == LOCKSTEP_OK)
    expect(
      LOCKSTEP_NOT_FINITE, naming: "input row 0, column 1 is nan",
      of: lockstep_network_train_f32(network.handle, 1, [1, .nan], 2, numbers, 1, mse, 0.1, 1, 1, 0, 0, nil))

    var gradients = numbers
    func take(_ gradients: UnsafeMutablePointer<Float>?, _ count: Int64, _ target: UnsafePointer<Float>)
      -> lockstep_status
    {
      lockstep_network_gradients_f32(network.handle, 1, numbers, 2, target, 1, mse, gradients, count, nil)
    }
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "gradients", of: take(nil, 13, numbers))
    expect(LOCKSTEP_INVALID_SHAPE, naming: "count", of: take(&gradients, 12, numbers))
    gradients.withUnsafeMutableBufferPointer { memory in
      expect(
        LOCKSTEP_OVERLAP, naming: "target", of: take(memory.baseAddress!, 13, UnsafePointer(memory.baseAddress! + 12)))
    }
  }

  @Test("Parameters, shapes and digests")
  func parameters() throws {
    let network = try network()
    var memory = numbers
    expect(
      LOCKSTEP_INVALID_SHAPE, naming: "count", of: lockstep_network_get_parameters_f32(network.handle, &memory, 14))
    expect(
      LOCKSTEP_INVALID_ARGUMENT, naming: "parameters",
      of: lockstep_network_set_parameters_f32(network.handle, nil, 13))
    expect(
      LOCKSTEP_WRONG_PRECISION, naming: "network",
      of: lockstep_network_set_parameters_f64(network.handle, [Double](repeating: 1, count: 13), 13))
    for layer: Int64 in [-1, 2, .max] {
      expect(
        LOCKSTEP_INVALID_ARGUMENT, naming: "layer",
        of: lockstep_network_get_layer_f32(network.handle, layer, &memory, 3, nil))
      expect(
        LOCKSTEP_INVALID_ARGUMENT, naming: "layer", of: lockstep_network_layer(network.handle, layer, nil, nil, nil))
    }
    expect(
      LOCKSTEP_INVALID_SHAPE, naming: "weights",
      of: lockstep_network_set_layer_f32(network.handle, 0, numbers, 2, nil))
    memory.withUnsafeMutableBufferPointer { memory in
      expect(
        LOCKSTEP_OVERLAP, naming: "bias",
        of: lockstep_network_get_layer_f32(network.handle, 0, memory.baseAddress, 3, memory.baseAddress! + 5))
    }
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "network", of: lockstep_network_shape(nil, nil, nil, nil, nil))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "precision", of: lockstep_network_precision(network.handle, nil))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "digest", of: lockstep_network_digest(network.handle, nil, 17))
    var digest = [CChar](repeating: 1, count: 17)
    expect(LOCKSTEP_INVALID_SHAPE, naming: "size", of: lockstep_network_digest(network.handle, &digest, 16))
    #expect(digest.allSatisfy { $0 == 1 })
    expect(LOCKSTEP_INVALID_SHAPE, naming: "columns", of: lockstep_digest_f32(1, -1, numbers, 1, &digest, 17))
  }

  @Test("Backends")
  func backends() throws {
    var handle: OpaquePointer?
    func create(_ kind: Int, _ threads: Int32) -> lockstep_status {
      lockstep_backend_create(Int32(kind), threads, &handle)
    }
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "kind", of: create(4, 0))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "threads", of: create(0, -1))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "threads", of: create(0, 1025))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "backend", of: lockstep_backend_create(0, 0, nil))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "network", of: lockstep_network_set_backend(nil, nil))
    if let reason = try Backends.unavailability(of: .openmp) {
      expect(LOCKSTEP_UNAVAILABLE, naming: reason, of: create(LOCKSTEP_BACKEND_OPENMP, 0))
    }
    let names = try ["auto"] + Backends.available().map(\.description)
    func create(named name: String?, _ threads: Int32 = 0) -> lockstep_status {
      handle = OpaquePointer(bitPattern: 8)
      return lockstep_backend_create_named(name, threads, &handle)
    }
    for name in ["", "gpu", "AUTO", "scalar/avx2", "openmp/", "simd avx2", String(repeating: "x", count: 9999)] {
      expect(LOCKSTEP_INVALID_ARGUMENT, naming: "name \"\(name.prefix(100))\"", of: create(named: name))
      #expect(handle == nil)
      for name in names { #expect(message.contains(name)) }
    }
    for kind in [BackendKind.simd, .openmp] {
      for instructionSet in InstructionSet.allCases {
        let variant = BackendVariant(kind: kind, instructionSet: instructionSet)
        guard let reason = try Backends.unavailability(of: variant) else { continue }
        expect(LOCKSTEP_UNAVAILABLE, naming: "\(variant) is not available: \(reason)", of: create(named: "\(variant)"))
        for name in names { #expect(message.contains(name)) }
      }
    }
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "name is NULL", of: create(named: nil))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "threads", of: create(named: "auto", 1025))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "backend", of: lockstep_backend_create_named("auto", 0, nil))
    expect(
      LOCKSTEP_INVALID_ARGUMENT, naming: "UTF-8",
      of: lockstep_backend_create_named([CChar(bitPattern: 0xFF), 0], 0, &handle))
    lockstep_backend_free(nil)
    lockstep_network_free(nil)
  }

  @Test("Kernels")
  func kernels() throws {
    var output = numbers
    func forward(
      _ rows: Int64 = 2, _ inputs: Int64 = 2, _ outputs: Int64 = 2, weights: UnsafePointer<Float>?,
      bias: UnsafePointer<Float>?, activation: Int32 = 0, _ output: UnsafeMutablePointer<Float>?
    ) -> lockstep_status {
      lockstep_dense_forward_f32(
        nil, rows, inputs, outputs, numbers, 2, weights, 2, bias, activation, output, 2)
    }
    expect(LOCKSTEP_INVALID_SHAPE, naming: "rows", of: forward(-1, weights: numbers, bias: numbers, &output))
    expect(LOCKSTEP_INVALID_SHAPE, naming: "inputs", of: forward(2, -2, weights: numbers, bias: numbers, &output))
    expect(LOCKSTEP_INVALID_SHAPE, naming: "outputs", of: forward(2, 2, -2, weights: numbers, bias: numbers, &output))
    expect(LOCKSTEP_INVALID_SHAPE, naming: "input", of: forward(2, 3, weights: numbers, bias: numbers, &output))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "weights", of: forward(weights: nil, bias: numbers, &output))
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "bias", of: forward(weights: numbers, bias: nil, &output))
    expect(
      LOCKSTEP_INVALID_ARGUMENT, naming: "activation",
      of: forward(weights: numbers, bias: numbers, activation: 9, &output))
    output.withUnsafeMutableBufferPointer { memory in
      let base = memory.baseAddress!
      expect(LOCKSTEP_OVERLAP, naming: "weights", of: forward(weights: base, bias: numbers, base + 3))
      expect(LOCKSTEP_OVERLAP, naming: "bias", of: forward(weights: numbers, bias: base + 3, base))
      expect(
        LOCKSTEP_OVERLAP, naming: "bias_gradient",
        of: lockstep_dense_parameter_gradients_f32(nil, 2, 2, 2, numbers, 2, numbers, 2, base, 2, base + 3))
      expect(
        LOCKSTEP_OVERLAP, naming: "input",
        of: lockstep_dense_input_gradient_f32(nil, 2, 2, 2, numbers, 2, numbers, 2, base, 2, 0, base, 2))
    }
  }

  @Test("Messages are a thread's own, stay after success, and are cut between characters")
  func messages() async throws {
    expect(LOCKSTEP_INVALID_ARGUMENT, naming: "network", of: lockstep_network_digest(nil, nil, 0))
    let before = message
    lockstep_network_free(newHandle())
    #expect(message == before)
    let other = await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: message) }
    }
    #expect(other == "")
    var handle: OpaquePointer?
    // 3 bytes a character: the limit falls inside one.
    for extra in 0..<3 {
      let path = String(repeating: "/", count: extra) + String(repeating: "€", count: 3000)
      #expect(lockstep_network_load(path, 0, &handle) == LOCKSTEP_FILE_ERROR)
      #expect(String(validatingCString: lockstep_error_message()) != nil)
      #expect(message.utf8.count > 4900)
    }
  }

  @Test("Every status has a name")
  func names() {
    #expect(String(cString: lockstep_status_name(Int32(LOCKSTEP_OVERLAP))) == "LOCKSTEP_OVERLAP")
    for status in Int32(LOCKSTEP_OK)...Int32(LOCKSTEP_OUT_OF_MEMORY) {
      #expect(String(cString: lockstep_status_name(status)).hasPrefix("LOCKSTEP_"))
    }
    for status: Int32 in [-1, Int32(LOCKSTEP_OUT_OF_MEMORY) + 1, .max] {
      #expect(String(cString: lockstep_status_name(status)) == "unknown status")
    }
  }

  @Test("The versions are those of the header")
  func versions() {
    #expect(String(cString: lockstep_version()) == LOCKSTEP_VERSION)
    #expect(lockstep_abi_version() == LOCKSTEP_ABI_VERSION)
    #expect(lockstep_order_of_arithmetic_version() > 0)
  }
}

/// A new handle, to be freed by the caller.
private func newHandle() -> OpaquePointer? {
  var handle: OpaquePointer?
  #expect(lockstep_network_create(1, [1, 1], 2, [0], 1, &handle) == LOCKSTEP_OK)
  return handle
}
