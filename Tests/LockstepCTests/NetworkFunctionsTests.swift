// Networks through the C interface give the bits of the Swift interface, on every backend.

import CLockstep
import ComputeBackend
import Foundation
import Lockstep
import Testing

@Suite("Networks in C")
struct NetworkFunctionsTests {
  static let sizes: [Int64] = [5, 17, 3]
  static let activations = [LOCKSTEP_ACTIVATION_TANH, LOCKSTEP_ACTIVATION_IDENTITY]

  private func network(precision: Int = LOCKSTEP_PRECISION_F32) throws -> CNetwork {
    try CNetwork(precision: precision, sizes: Self.sizes, activations: Self.activations, seed: 7)
  }

  private func reference<Element: KernelElement>(_: Element.Type) throws -> Network<Element> {
    try Network<Element>(sizes: Self.sizes.map { Int($0) }, hidden: .tanh, seed: 7)
  }

  @Test("A new network has the parameters that Swift draws, and tells its shape")
  func creates() throws {
    let (float, double) = (try network(), try network(precision: LOCKSTEP_PRECISION_F64))
    let (floatDigest, doubleDigest) = (
      try reference(Float.self).parametersDigest, try reference(Double.self).parametersDigest
    )
    #expect(float.digest == floatDigest)
    #expect(double.digest == doubleDigest)

    var (inputs, outputs, layers, parameters) = (Int64(), Int64(), Int64(), Int64())
    #expect(lockstep_network_shape(float.handle, &inputs, &outputs, &layers, &parameters) == LOCKSTEP_OK)
    #expect([inputs, outputs, layers, parameters] == [5, 3, 2, 156] as [Int64])
    #expect(lockstep_network_shape(float.handle, nil, nil, nil, nil) == LOCKSTEP_OK)
    var activation: Int32 = -1
    #expect(lockstep_network_layer(float.handle, 0, &inputs, &outputs, &activation) == LOCKSTEP_OK)
    #expect(inputs == 5 && outputs == 17 && activation == LOCKSTEP_ACTIVATION_TANH)
    var precision: Int32 = 0
    #expect(lockstep_network_precision(double.handle, &precision) == LOCKSTEP_OK)
    #expect(precision == LOCKSTEP_PRECISION_F64)
  }

  @Test(
    "Predictions have the same bits, between other columns, for 0 rows and on every backend", arguments: [0, 1, 7, 300])
  func predicts(rows: Int) throws {
    let network = try network()
    let input: [Float] = numbers(rows * 8, seed: 3)
    var matrix = Matrix<Float>(rows: rows, columns: 5)
    for row in 0..<rows { for column in 0..<5 { matrix[row, column] = input[row * 8 + column] } }
    for kind in try backendConstants() {
      let backend = try CBackend(kind, threads: 2)
      #expect(lockstep_network_set_backend(network.handle, backend.handle) == LOCKSTEP_OK)
      let expected = try reference(Float.self).predict(matrix, on: Backends.make(.scalar))
      var output = [Float](repeating: 77, count: rows * 4)
      #expect(lockstep_network_predict_f32(network.handle, Int64(rows), input, 8, &output, 4) == LOCKSTEP_OK)
      for row in 0..<rows {
        #expect(bits(Array(output[row * 4..<row * 4 + 3])) == bits((0..<3).map { expected[row, $0] } as [Float]))
        #expect(output[row * 4 + 3] == 77)
      }
    }
  }

  @Test("Steps, gradients and training do what Swift's do")
  func trains() throws {
    let rows = 300
    let (input, target): ([Double], [Double]) = (numbers(rows * 5, seed: 1), numbers(rows * 3, seed: 2))
    let (inputs, targets) = (
      Matrix(rows: rows, columns: 5, elements: input), Matrix(rows: rows, columns: 3, elements: target)
    )
    let trainer = Trainer(try reference(Double.self), loss: .meanSquaredError, backend: try Backends.make())
    let network = try network(precision: LOCKSTEP_PRECISION_F64)
    let loss = Int32(LOCKSTEP_LOSS_MEAN_SQUARED_ERROR)

    var gradients = [Double](repeating: 0, count: 156)
    var mean = 0.0
    #expect(
      lockstep_network_gradients_f64(
        network.handle, Int64(rows), input, 5, target, 3, loss, &gradients, 156, &mean) == LOCKSTEP_OK)
    let expected = try trainer.gradients(input: inputs, target: targets)
    #expect(mean == expected.loss)
    #expect(bits(gradients) == bits(expected.layers.flatMap { $0.weights.elements + $0.bias.elements }))

    for _ in 0..<3 {
      #expect(
        lockstep_network_step_f64(network.handle, Int64(rows), input, 5, target, 3, loss, 0.1, &mean) == LOCKSTEP_OK)
      let expectedMean = try trainer.step(input: inputs, target: targets, learningRate: 0.1)
      #expect(mean == expectedMean)
    }
    #expect(network.digest == trainer.network.parametersDigest)

    #expect(
      lockstep_network_train_f64(
        network.handle, Int64(rows), input, 5, target, 3, loss, 0.05, 3, 64, 1, 9, &mean) == LOCKSTEP_OK)
    var latest = 0.0
    try trainer.train(
      input: inputs, target: targets,
      schedule: TrainingSchedule(epochs: 3, batchSize: 64, learningRate: 0.05, seed: 9), onEpoch: { latest = $0.loss })
    #expect(mean == latest)
    #expect(network.digest == trainer.network.parametersDigest)

    // Predictions take the trained parameters.
    var output = [Double](repeating: 0, count: rows * 3)
    #expect(lockstep_network_predict_f64(network.handle, Int64(rows), input, 5, &output, 3) == LOCKSTEP_OK)
    let expectedOutput = try trainer.network.predict(inputs, on: Backends.make())
    #expect(bits(output) == bits(expectedOutput.elements))
  }

  @Test("Training that fails leaves the last finite parameters")
  func divergence() throws {
    let network = try network()
    let (input, target): ([Float], [Float]) = (numbers(50, seed: 1), numbers(30, seed: 2))
    #expect(
      lockstep_network_train_f32(
        network.handle, 10, input, 5, target, 3, Int32(LOCKSTEP_LOSS_MEAN_SQUARED_ERROR), 1e30, 5, 10, 0, 0, nil)
        == LOCKSTEP_NOT_FINITE)
    #expect(message.contains("step"))
    var parameters = [Float](repeating: .nan, count: 156)
    #expect(lockstep_network_get_parameters_f32(network.handle, &parameters, 156) == LOCKSTEP_OK)
    #expect(parameters.allSatisfy { $0.isFinite })
  }

  @Test("Parameters go out and in, all at once and by layer")
  func parameters() throws {
    let (network, other) = (try network(), try CNetwork(sizes: Self.sizes, activations: Self.activations, seed: 8))
    var flat = [Float](repeating: 0, count: 156)
    #expect(lockstep_network_get_parameters_f32(network.handle, &flat, 156) == LOCKSTEP_OK)
    let layers = try reference(Float.self).layers
    #expect(bits(flat) == bits(layers.flatMap { $0.weights.elements + $0.bias.elements }))
    #expect(lockstep_network_set_parameters_f32(other.handle, flat, 156) == LOCKSTEP_OK)
    #expect(other.digest == network.digest)

    // Rows of 17, 20 apart.
    var weights = [Float](repeating: 5, count: 100)
    var bias = [Float](repeating: 5, count: 17)
    #expect(lockstep_network_get_layer_f32(network.handle, 0, &weights, 20, &bias) == LOCKSTEP_OK)
    #expect(bits(bias) == bits(layers[0].bias.elements))
    for row in 0..<5 { #expect(weights[row * 20 + 16] == layers[0].weights[row, 16]) }
    #expect(weights[17] == 5)
    weights[0] += 1
    #expect(lockstep_network_set_layer_f32(network.handle, 0, weights, 20, nil) == LOCKSTEP_OK)
    #expect(network.digest != other.digest)
    weights[0] -= 1
    weights[0] = layers[0].weights[0, 0]
    #expect(lockstep_network_set_layer_f32(network.handle, 0, weights, 20, bias) == LOCKSTEP_OK)
    #expect(network.digest == other.digest)
  }

  @Test("A network is the same after saving and loading, from a file and from memory, and a copy is one of its own")
  func files() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "lockstep-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "mödel.safetensors")
    let network = try network()
    #expect(lockstep_network_save(network.handle, file.path) == LOCKSTEP_OK)

    var handle: OpaquePointer?
    #expect(lockstep_network_load(file.path, Int32(LOCKSTEP_PRECISION_OF_FILE), &handle) == LOCKSTEP_OK)
    #expect(try CNetwork(handle).digest == network.digest)
    #expect(lockstep_network_load(file.path, Int32(LOCKSTEP_PRECISION_F64), &handle) == LOCKSTEP_OK)
    let converted = try reference(Float.self).converted(to: Double.self).parametersDigest
    #expect(try CNetwork(handle).digest == converted)

    let bytes = [UInt8](try Data(contentsOf: file))
    #expect(
      lockstep_network_load_memory(bytes, bytes.count, Int32(LOCKSTEP_PRECISION_OF_FILE), &handle) == LOCKSTEP_OK)
    #expect(try CNetwork(handle).digest == network.digest)

    #expect(lockstep_network_copy(network.handle, &handle) == LOCKSTEP_OK)
    let copy = try CNetwork(handle)
    var bias = [Float](repeating: 3, count: 3)
    #expect(lockstep_network_set_layer_f32(copy.handle, 1, nil, 0, &bias) == LOCKSTEP_OK)
    #expect(copy.digest != network.digest)
  }

  @Test("The model in memory has the bytes of the file, and nothing is written beyond what there is room for")
  func savesToMemory() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "lockstep-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    for precision in [LOCKSTEP_PRECISION_F32, LOCKSTEP_PRECISION_F64] {
      let file = folder.appending(path: "\(precision).safetensors")
      let network = try network(precision: precision)
      #expect(lockstep_network_save(network.handle, file.path) == LOCKSTEP_OK)
      let expected = [UInt8](try Data(contentsOf: file))

      var needed = 0
      #expect(lockstep_network_save_memory(network.handle, nil, 0, &needed) == LOCKSTEP_OK)
      #expect(needed == expected.count)
      var bytes = [UInt8](repeating: 7, count: needed + 3)
      for size in [0, 1, needed - 1] {
        needed = 0
        #expect(lockstep_network_save_memory(network.handle, &bytes, size, &needed) == LOCKSTEP_INVALID_SHAPE)
        #expect(message.contains("\(expected.count) bytes"))
        #expect(needed == expected.count && bytes.allSatisfy { $0 == 7 })
      }
      #expect(lockstep_network_save_memory(network.handle, &bytes, needed, nil) == LOCKSTEP_OK)
      #expect(bytes == expected + [7, 7, 7])
      // As SIZE_MAX arrives.
      #expect(lockstep_network_save_memory(network.handle, &bytes, -1, nil) == LOCKSTEP_OK)
      #expect(bytes == expected + [7, 7, 7])
    }
    #expect(lockstep_network_save_memory(nil, nil, 0, nil) == LOCKSTEP_INVALID_ARGUMENT)
  }

  @Test("A state dict that leaves room for activations is loaded with the one that is named")
  func loadsActivated() throws {
    // What the tool's file says without its metadata is what PyTorch says.
    let file = SafetensorsFile(
      tensors: try reference(Float.self).modelFile(description: ModelDescription()).tensors)
    let folder = FileManager.default.temporaryDirectory.appending(path: "lockstep-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "state.safetensors").path
    try file.write(to: path)
    let bytes = try file.parts(file: path).flatMap { $0 }

    let any = Int32(LOCKSTEP_PRECISION_OF_FILE)
    var handle: OpaquePointer?
    #expect(lockstep_network_load(path, any, &handle) == LOCKSTEP_INVALID_MODEL)
    #expect(handle == nil && message.contains("activation has to be named"))
    let expected = try network().digest
    for constant in [LOCKSTEP_ACTIVATION_TANH, LOCKSTEP_ACTIVATION_RELU] {
      for fromMemory in [false, true] {
        let status =
          fromMemory
          ? lockstep_network_load_memory_activated(bytes, bytes.count, any, Int32(constant), &handle)
          : lockstep_network_load_activated(path, any, Int32(constant), &handle)
        try #require(status == LOCKSTEP_OK, "\(message)")
        let network = try CNetwork(handle)
        #expect(network.digest == expected)
        var (hidden, last) = (Int32(-1), Int32(-1))
        #expect(lockstep_network_layer(network.handle, 0, nil, nil, &hidden) == LOCKSTEP_OK)
        #expect(lockstep_network_layer(network.handle, 1, nil, nil, &last) == LOCKSTEP_OK)
        #expect(hidden == constant && last == LOCKSTEP_ACTIVATION_IDENTITY)
      }
    }
    #expect(lockstep_network_load_activated(path, any, 99, &handle) == LOCKSTEP_INVALID_ARGUMENT)
    #expect(message.contains("activation is 99"))
    #expect(lockstep_network_load_memory_activated(nil, 8, any, 1, &handle) == LOCKSTEP_INVALID_ARGUMENT)

    // A file that tells has to agree.
    let named = folder.appending(path: "named.safetensors").path
    let saved = try network()
    #expect(lockstep_network_save(saved.handle, named) == LOCKSTEP_OK)
    #expect(
      lockstep_network_load_activated(named, any, Int32(LOCKSTEP_ACTIVATION_RELU), &handle) == LOCKSTEP_INVALID_MODEL)
    #expect(message.contains("relu") && handle == nil)
    #expect(lockstep_network_load_activated(named, any, Int32(LOCKSTEP_ACTIVATION_TANH), &handle) == LOCKSTEP_OK)
    #expect(try CNetwork(handle).digest == expected)
  }

  @Test("Many threads may predict on one network, while another trains it")
  func concurrency() async throws {
    let network = try network()
    nonisolated(unsafe) let handle = network.handle
    let (input, target): ([Float], [Float]) = (numbers(50, seed: 1), numbers(30, seed: 2))
    await withTaskGroup { group in
      for task in 0..<4 {
        group.addTask {
          var output = [Float](repeating: 0, count: 30)
          for _ in 0..<200 {
            if task == 0 {
              #expect(
                lockstep_network_step_f32(
                  handle, 10, input, 5, target, 3, Int32(LOCKSTEP_LOSS_MEAN_SQUARED_ERROR), 0.01, nil) == LOCKSTEP_OK)
            } else {
              #expect(lockstep_network_predict_f32(handle, 10, input, 5, &output, 3) == LOCKSTEP_OK)
            }
          }
        }
      }
    }
    let trainer = Trainer(try reference(Float.self), loss: .meanSquaredError, backend: try Backends.make())
    for _ in 0..<200 {
      try trainer.step(
        input: Matrix(rows: 10, columns: 5, elements: input), target: Matrix(rows: 10, columns: 3, elements: target),
        learningRate: 0.01)
    }
    #expect(network.digest == trainer.network.parametersDigest)
  }
}
