// One step of training, and the gradients alone. The loop over epochs and batches lies in TrainingSession.swift.

import ComputeBackend

/// The gradients of the mean loss over a batch.
public struct Gradients<Element: KernelElement>: Sendable, Equatable {
  /// The mean loss.
  public let loss: Element
  /// Each layer's gradients, in the shape of its parameters; the activation is the layer's.
  public let layers: [DenseLayer<Element>]
}

/// Everything that one pass computes, for whoever wants to follow it.
public struct PassRecord<Element: KernelElement>: Sendable {
  /// `[rows × outputs]` of each layer: its activated outputs, before anything is dropped.
  public let outputs: [Matrix<Element>]
  /// `[rows × outputs]` of each layer: the gradient of the mean loss with respect to the layer's sums, before the
  /// activation (with respect to its outputs, where the activation is the identity).
  public let sumGradients: [Matrix<Element>]
  /// The mean loss and the gradients of the parameters.
  public let gradients: Gradients<Element>
}

/// Trains a network by gradient descent or another optimiser, in kernel memory.
///
/// A trainer belongs to one thread at a time; its backend may use many.
public final class Trainer<Element: KernelElement> {
  /// What training makes small; another may be set between two steps.
  // Read in every step. A loss is a byte, which a reader sees before or after a change, even from within one.
  @exclusivity(unchecked) public var loss: Loss
  /// How it steps: optimiser, clipping and dropout.
  public let method: TrainingMethod
  /// What was given.
  let backend: any ComputeBackend<Element>
  /// Who computes what, where the backend that was given leaves that open.
  private let racing: Racing<Element>?
  /// The candidate that had the latest call.
  private var candidate = 0
  let parameters: NetworkStorage<Element>
  let blocks: RowBlocks
  let optimizer: OptimizerMemory<Element>
  private let pass: BlockedPass<Element>
  /// ``TrainingMethod/isPlainDescent``, asked once.
  private let isPlainDescent: Bool
  /// Whether steps drop anything.
  private let drops: Bool

  /// A trainer that starts from `network`.
  ///
  /// - Parameters:
  ///   - network: the first parameters.
  ///   - loss: what to make small.
  ///   - backend: what computes; no result depends on it. An ``AutomaticBackend`` finds out by the first calls.
  ///   - blocks: how batches are cut; no result depends on it.
  ///   - method: how it steps: optimiser, clipping and dropout.
  public init(
    _ network: Network<Element>, loss: Loss, backend: any ComputeBackend<Element>, blocks: RowBlocks = .automatic,
    method: TrainingMethod = .gradientDescent
  ) {
    self.loss = loss
    self.method = method
    isPlainDescent = method.isPlainDescent
    drops = method.dropout > 0 && network.layers.count > 1
    self.backend = backend
    self.blocks = blocks
    parameters = NetworkStorage(network)
    optimizer = OptimizerMemory(method.optimizer.kind.formula, for: parameters)
    racing = Racing(backend, on: parameters, blocks: blocks, method: method)
    pass = BlockedPass(parameters, blocks: blocks, drops: drops)
  }

  /// The network as it stands.
  public var network: Network<Element> { Network(checked: parameters.denseLayers) }

  /// What the optimiser keeps from step to step. Together with the parameters it is all that a trainer needs to go on as if
  /// it had never stopped.
  public var optimizerState: OptimizerState<Element> { optimizer.state }

  /// Goes on from a state that was kept.
  ///
  /// - Parameter state: of the same optimiser, for a network of the same shape.
  /// - Throws: ``OptimizerStateError`` where it is not; nothing has changed then.
  public func restore(_ state: OptimizerState<Element>) throws(OptimizerStateError) { try optimizer.restore(state) }

  /// How many numbers an input row has.
  public var inputs: Int { parameters.layers[0].weights.rows }

  /// How many numbers an output row has.
  public var outputs: Int { parameters.layers[parameters.layers.count - 1].weights.columns }

  /// The parameters where they lie, valid while the trainer lives. What is written there is what the next step starts from.
  package var layers: [MutableLayerView<Element>] { parameters.mutableLayerViews }

  /// A predictor that shares the parameters: it answers from them as they stand. No call may run beside one that writes
  /// them.
  package func makePredictor() -> Predictor<Element> { Predictor(sharing: parameters, backend: backend) }

  /// The gradients of the mean loss over a batch; the parameters stay as they are, and nothing is dropped or clipped.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - weights: `[rows × 1]`, how much each row counts, such as weights of classes or samples: the loss is the weighted
  ///     mean. `nil` where all count alike.
  /// - Throws: ``NetworkError`` where the shapes do not fit, or a weight is negative or no finite number.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func gradients(
    input: Matrix<Element>, target: Matrix<Element>, weights: Matrix<Element>? = nil
  ) throws(NetworkError) -> Gradients<Element> {
    try withViews(input, target, weights) { (input, target, weights) throws(NetworkError) in
      try check(input: input, target: target, weights: weights)
      let (loss, gradients) = checkedGradients(input: input, target: target, weights: weights)
      return Gradients(loss: loss, layers: gradients.denseLayers)
    }
  }

  /// Calls `body` with views of a batch, valid during the call.
  @inline(__always)
  private func withViews<Result>(
    _ input: Matrix<Element>, _ target: Matrix<Element>, _ weights: Matrix<Element>?,
    _ body: (MatrixView<Element>, MatrixView<Element>, MatrixView<Element>?) throws(NetworkError) -> Result
  ) throws(NetworkError) -> Result {
    try input.withView { (input) throws(NetworkError) in
      try target.withView { (target) throws(NetworkError) in
        try withOptionalView(of: weights) { (weights) throws(NetworkError) in try body(input, target, weights) }
      }
    }
  }

  /// Calls `body` with the mean loss over a batch and views of its gradients, valid during the call; the parameters stay as
  /// they are and nothing is copied.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - weights: `[rows × 1]`, how much each row counts, or `nil`.
  ///   - body: takes the mean loss, and the gradients in the shapes of the layers' parameters.
  /// - Throws: ``NetworkError`` where the shapes do not fit, or a weight is negative or no finite number.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  package func withGradients(
    input: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>? = nil,
    _ body: (Element, [LayerView<Element>]) -> Void
  ) throws(NetworkError) {
    try check(input: input, target: target, weights: weights)
    let (loss, gradients) = checkedGradients(input: input, target: target, weights: weights)
    withExtendedLifetime(gradients) { body(loss, gradients.layerViews) }
  }

  /// A step: all gradients of the mean loss over the batch, then what ``method`` makes of them; `parameter - learningRate *
  /// gradient` for every parameter where nothing else was asked for.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - weights: `[rows × 1]`, how much each row counts, such as weights of classes or samples: the loss is the weighted
  ///     mean. `nil` where all count alike.
  ///   - learningRate: the factor of the gradient.
  /// - Returns: the mean loss before the update.
  /// - Throws: ``NetworkError`` where the shapes do not fit, or a weight is negative or no finite number.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  @discardableResult
  public func step(
    input: Matrix<Element>, target: Matrix<Element>, weights: Matrix<Element>? = nil, learningRate: Element
  ) throws(NetworkError) -> Element {
    try withViews(input, target, weights) { (input, target, weights) throws(NetworkError) in
      try step(input: input, target: target, weights: weights, learningRate: learningRate)
    }
  }

  /// A step as the one on matrices, on borrowed memory.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - weights: `[rows × 1]`, how much each row counts, or `nil`.
  ///   - learningRate: the factor of the gradient.
  /// - Returns: the mean loss before the update.
  /// - Throws: ``NetworkError`` where the shapes do not fit, or a weight is negative or no finite number.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  @discardableResult
  public func step(
    input: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>? = nil, learningRate: Element
  ) throws(NetworkError) -> Element {
    try check(input: input, target: target, weights: weights)
    return checkedStep(input: input, target: target, weights: weights, learningRate: Double(learningRate))
  }

  /// A step as ``step(input:target:weights:learningRate:)-(Matrix<Element>,_,_,_)`` takes it, with all that it computed.
  ///
  /// - Throws: ``NetworkError`` where the shapes do not fit, or a weight is negative or no finite number.
  public func recordedStep(
    input: Matrix<Element>, target: Matrix<Element>, weights: Matrix<Element>? = nil, learningRate: Element
  ) throws(NetworkError) -> PassRecord<Element> {
    try withViews(input, target, weights) { (input, target, weights) throws(NetworkError) in
      try check(input: input, target: target, weights: weights)
      // One block, so that the whole batch's activations are there to be read.
      let pass = BlockedPass(parameters, blocks: .wholeBatch, drops: drops)
      let (loss, gradients) = pass.gradients(
        input: input, target: target, weights: weights, loss: self.loss, dropout: dropout, on: backend)
      let (outputs, sumGradients) = pass.record(rows: input.rows)
      optimizer.step(
        parameters, gradients: gradients, method: method, learningRate: Double(learningRate), on: backend)
      return PassRecord(
        outputs: outputs, sumGradients: sumGradients,
        gradients: Gradients(loss: loss, layers: gradients.denseLayers))
    }
  }

  /// What the next step drops.
  private var dropout: Dropout? {
    drops ? Dropout(rate: method.dropout, seed: method.seed, step: optimizer.steps) : nil
  }

  /// A step on views that are known to fit.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func checkedStep(
    input: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>? = nil, learningRate: Double
  ) -> Element {
    withBackend(for: .step, rows: input.rows) { backend in
      if isPlainDescent {
        let loss = pass.step(
          input: input, target: target, weights: weights, loss: loss, learningRate: Element(learningRate),
          dropout: dropout, on: backend)
        optimizer.countStep()
        return loss
      }
      let (loss, gradients) = pass.gradients(
        input: input, target: target, weights: weights, loss: loss, dropout: dropout, on: backend)
      optimizer.step(parameters, gradients: gradients, method: method, learningRate: learningRate, on: backend)
      return loss
    }
  }

  /// The gradients from views that are known to fit.
  private func checkedGradients(
    input: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>?
  ) -> (loss: Element, gradients: NetworkStorage<Element>) {
    withBackend(for: .gradients, rows: input.rows) { backend in
      pass.gradients(input: input, target: target, weights: weights, loss: loss, dropout: nil, on: backend)
    }
  }

  /// Calls `body` with what computes: the backend that was given, or of its candidates who has won, or who has the next call of
  /// the race, which `body` then is.
  @inline(__always)
  private func withBackend<Result>(
    for work: BackendWork, rows: Int, _ body: (any ComputeBackend<Element>) -> Result
  ) -> Result {
    guard let racing else { return body(backend) }
    let winner = racing.winner(work, rows: rows)
    let call = winner < 0 ? racing.begin(work, rows: rows) : nil
    // A call that does not race while nothing is decided is best left where the latest one was.
    candidate = call?.candidate ?? (winner < 0 ? candidate : winner)
    let result = body(racing.candidates[candidate])
    if let call { racing.end(call) }
    return result
  }

  /// Which backend computes a kind of work on batches of `rows` rows, and why.
  ///
  /// - Parameters:
  ///   - work: of which kind.
  ///   - rows: rows of a batch; 0 or more.
  public func backendChoice(for work: BackendWork = .step, rows: Int) -> BackendChoice {
    parameters.backendChoice(for: work, rows: rows, blocks: blocks, on: backend, racing: racing)
  }

  func check(
    input: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>? = nil
  ) throws(NetworkError) {
    let (inputs, outputs) = (inputs, outputs)
    guard input.rows > 0 else { throw .noRows }
    guard input.columns == inputs else { throw .inputColumns(expected: inputs, found: input.columns) }
    guard target.rows == input.rows, target.columns == outputs else {
      throw .targetShape(
        expectedRows: input.rows, expectedColumns: outputs, rows: target.rows, columns: target.columns)
    }
    try weights?.checkWeights(rows: input.rows, outputs: outputs)
  }
}
