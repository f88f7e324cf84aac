// A workload made ready to run on a backend: the loop that is timed, and the results that are compared.

import ComputeBackend
import Lockstep

/// What the timer and the check ask of a workload in some precision.
protocol Work: AnyObject {
  /// Takes `steps` steps, as a user's own loop would.
  func run(steps: Int) throws

  /// Bytes that it is said to take, the data apart; `nil` where nothing is said.
  var statedMemory: Int? { get }
}

extension Work {
  var statedMemory: Int? { nil }
}

/// Work whose result is a matrix.
protocol ForwardWork<Element>: Work {
  associatedtype Element: NetworkElement

  /// What the last step left: `[rows × outputs]`.
  var result: Matrix<Element> { get }
}

/// Steps of training through the public `Trainer`.
final class TrainingWork<Element: NetworkElement>: Work {
  private let trainer: Trainer<Element>
  private let input: Matrix<Element>
  private let target: Matrix<Element>

  /// Small enough that every network of the tables stays finite, however many steps are taken.
  private let learningRate: Element = 0.0078125

  init(_ data: WorkloadData<Element>, on backend: any ComputeBackend<Element>) {
    trainer = Trainer(data.network, loss: data.workload.loss, backend: backend)
    (input, target) = (data.input, data.target)
  }

  var statedMemory: Int? { trainer.memoryUse(rows: input.rows).total }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func run(steps: Int) throws {
    for _ in 0..<steps { try trainer.step(input: input, target: target, learningRate: learningRate) }
  }
}

/// Outputs of a network that stays as it is, through the public `Predictor`, into memory that is there.
final class InferenceWork<Element: NetworkElement>: ForwardWork {
  private let predictor: Predictor<Element>
  private let input: MatrixStorage<Element>
  private let output: MatrixStorage<Element>

  init(_ data: WorkloadData<Element>, on backend: any ComputeBackend<Element>) {
    predictor = Predictor(data.network, backend: backend)
    input = MatrixStorage(data.input)
    output = MatrixStorage(rows: data.input.rows, columns: data.network.outputs)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func run(steps: Int) throws {
    let (source, destination) = (input.view, output.mutableView)
    for _ in 0..<steps { try predictor.predict(source, into: destination) }
  }

  var result: Matrix<Element> { output.matrix }
}

/// One matrix product, through the backend itself.
final class ProductWork<Element: NetworkElement>: ForwardWork {
  private let backend: any ComputeBackend<Element>
  private let input: MatrixStorage<Element>
  private let weights: MatrixStorage<Element>
  private let bias: MatrixStorage<Element>
  private let output: MatrixStorage<Element>

  init(_ data: WorkloadData<Element>, on backend: any ComputeBackend<Element>) {
    self.backend = backend
    let layer = data.network.layers[0]
    input = MatrixStorage(data.input)
    weights = MatrixStorage(layer.weights)
    bias = MatrixStorage(layer.bias)
    output = MatrixStorage(rows: data.input.rows, columns: layer.outputs)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func run(steps: Int) throws {
    for _ in 0..<steps {
      backend.forward(
        input: input.view, weights: weights.view, bias: bias.view, activation: .identity, output: output.mutableView)
    }
  }

  var result: Matrix<Element> { output.matrix }
}

/// The network and the numbers of a workload, the same in every run and on every machine.
struct WorkloadData<Element: NetworkElement> {
  let workload: Workload
  var network: Network<Element>
  /// `[rows × inputs]`, uniform between -1 and 1.
  let input: Matrix<Element>
  /// `[rows × outputs]`: uniform between -1 and 1, or what the loss asks for.
  let target: Matrix<Element>

  init(_ workload: Workload) throws {
    self.workload = workload
    network = try Network(sizes: workload.sizes, hidden: workload.activation, seed: 1)
    input = Self.numbers(rows: workload.batch, columns: workload.sizes[0], index: 1) { Element(2 * $0.uniform() - 1) }
    let outputs = workload.sizes[workload.sizes.count - 1]
    switch workload.loss {
    case .meanSquaredError, .meanAbsoluteError, .huber:
      target = Self.numbers(rows: workload.batch, columns: outputs, index: 2) { Element(2 * $0.uniform() - 1) }
    case .binaryCrossEntropy:
      target = Self.numbers(rows: workload.batch, columns: outputs, index: 2) { Element($0.integer(below: 2)) }
    case .softmaxCrossEntropy:
      var classes = RandomStream(seed: 1, purpose: .parameters, index: 2)
      var elements = [Element](repeating: 0, count: workload.batch * outputs)
      for row in 0..<workload.batch { elements[row * outputs + Int(classes.integer(below: UInt64(outputs)))] = 1 }
      target = Matrix(rows: workload.batch, columns: outputs, elements: elements)
    }
  }

  private init(_ other: WorkloadData, rows: [Int]) {
    workload = other.workload
    network = other.network
    input = other.input.picking(rows)
    target = other.target.picking(rows)
  }

  /// The same with some of the rows.
  func picking(_ rows: [Int]) -> WorkloadData { WorkloadData(self, rows: rows) }

  /// The work on a backend.
  func work(on backend: any ComputeBackend<Element>) -> any Work {
    switch workload.kind {
    case .training: TrainingWork(self, on: backend)
    case .inference: InferenceWork(self, on: backend)
    case .product: ProductWork(self, on: backend)
    }
  }

  private static func numbers(
    rows: Int, columns: Int, index: UInt32, _ next: (inout RandomStream) -> Element
  ) -> Matrix<Element> {
    var stream = RandomStream(seed: 1, purpose: .parameters, index: index)
    return Matrix(rows: rows, columns: columns, elements: (0..<rows * columns).map { _ in next(&stream) })
  }
}

extension Matrix {
  /// The rows of these numbers, in this order.
  func picking(_ rows: [Int]) -> Matrix {
    Matrix(
      rows: rows.count, columns: columns,
      elements: rows.flatMap { row in elements[row * columns..<(row + 1) * columns] })
  }
}
