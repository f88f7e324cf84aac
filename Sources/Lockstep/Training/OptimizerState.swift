// What an optimiser keeps from step to step, as a value and in kernel memory, and the step itself over all parameters. Its
// hyperparameters lie in Optimizer.swift.

import ComputeBackend

/// What an optimiser keeps from step to step: all that training needs beside the parameters to go on with the same bits.
public struct OptimizerState<Element: KernelElement>: Sendable, Equatable {
  /// How many steps have been taken.
  public let steps: Int
  /// The first moment of each parameter, in the shape of the layers; empty where the optimiser keeps none.
  public let first: [DenseLayer<Element>]
  /// The second moment of each parameter, in the shape of the layers; empty where the optimiser keeps none.
  public let second: [DenseLayer<Element>]

  /// A state that was kept, to go on from; ``Trainer/restore(_:)`` checks it.
  ///
  /// - Parameters:
  ///   - steps: how many steps have been taken.
  ///   - first: the first moments, in the shape of the layers, or none. Activations are ignored.
  ///   - second: the second moments, in the shape of the layers, or none. Activations are ignored.
  public init(steps: Int, first: [DenseLayer<Element>] = [], second: [DenseLayer<Element>] = []) {
    self.steps = steps
    self.first = first
    self.second = second
  }
}

/// Why a state does not suit a trainer.
public enum OptimizerStateError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A number of steps below 0, or one that could not be counted on from.
  case steps(Int)
  /// Moments (`first` or `second`) of another number of layers than expected: none, or those of the network.
  case layerCount(moment: String, expected: Int, found: Int)
  /// Moments of layer `layer` (from 1) in another shape than the layer's parameters.
  case shape(moment: String, layer: Int)

  public var description: String {
    switch self {
    case .steps(let steps): "the optimiser's state counts \(steps) steps; it must lie between 0 and \(Int.max / 2)"
    case .layerCount(let moment, let expected, let found):
      "the optimiser's state has \(moment) moments of \(found) layers; this optimiser and network need \(expected)"
    case .shape(let moment, let layer):
      "the \(moment) moments of layer \(layer) in the optimiser's state have another shape than the layer's parameters"
    }
  }
}

/// The state in kernel memory.
final class OptimizerMemory<Element: KernelElement> {
  private(set) var steps = 0
  private let first: NetworkStorage<Element>?
  private let second: NetworkStorage<Element>?

  init(_ formula: UpdateFormula, for network: NetworkStorage<Element>) {
    first = formula.keepsFirstMoment ? NetworkStorage(shapedAs: network) : nil
    second = formula.keepsSecondMoment ? NetworkStorage(shapedAs: network) : nil
  }

  /// How many matrices of moments there are for each of the parameters.
  static func momentCount(_ formula: UpdateFormula) -> Int {
    (formula.keepsFirstMoment ? 1 : 0) + (formula.keepsSecondMoment ? 1 : 0)
  }

  /// True where every moment is a finite number.
  var isFinite: Bool { first?.isFinite ?? true && second?.isFinite ?? true }

  /// The state as a value.
  var state: OptimizerState<Element> {
    OptimizerState(steps: steps, first: first?.denseLayers ?? [], second: second?.denseLayers ?? [])
  }

  /// Copies another state of the same optimiser and network.
  func copy(from other: OptimizerMemory) {
    steps = other.steps
    if let first, let from = other.first { first.copy(from: from) }
    if let second, let from = other.second { second.copy(from: from) }
  }

  /// Goes on from `state`.
  func restore(_ state: OptimizerState<Element>) throws(OptimizerStateError) {
    guard state.steps >= 0, state.steps <= Int.max / 2 else { throw .steps(state.steps) }
    let moments = [("first", first, state.first), ("second", second, state.second)]
    for (name, storage, layers) in moments {
      let expected = storage?.layers ?? []
      guard layers.count == expected.count else {
        throw .layerCount(moment: name, expected: expected.count, found: layers.count)
      }
      for (index, (layer, shape)) in zip(layers, expected).enumerated() {
        guard layer.inputs == shape.weights.rows, layer.outputs == shape.weights.columns, layer.bias.rows == 1,
          layer.bias.columns == layer.outputs
        else { throw .shape(moment: name, layer: index + 1) }
      }
    }
    for (_, storage, layers) in moments { storage?.copy(from: layers) }
    steps = state.steps
  }

  /// Counts a step that was taken elsewhere.
  func countStep() { steps += 1 }

  /// A step on all parameters, from the gradients of the whole batch.
  ///
  /// - Parameters:
  ///   - parameters: updated.
  ///   - gradients: of the same shape.
  ///   - method: the optimiser, and the norm that gradients are clipped to.
  ///   - learningRate: the learning rate in this step.
  ///   - backend: what computes.
  func step(
    _ parameters: NetworkStorage<Element>, gradients: NetworkStorage<Element>, method: TrainingMethod,
    learningRate: Double, on backend: any ComputeBackend<Element>
  ) {
    steps += 1
    let factor = method.clipNorm.map { gradients.clipFactor(norm: $0, on: backend) } ?? 1
    func rule(decays: Bool) -> UpdateRule<Element> {
      method.optimizer.rule(step: steps, learningRate: learningRate, gradientFactor: factor, decays: decays)
    }
    guard method.optimizer.weightDecay != 0 else {
      backend.update(
        parameters.all, by: rule(decays: false), gradient: gradients.all.readOnly, first: first?.all,
        second: second?.all)
      return
    }
    let (weightRule, biasRule) = (rule(decays: true), rule(decays: false))
    for index in parameters.layers.indices {
      let (layer, gradient) = (parameters.layers[index], gradients.layers[index])
      backend.update(
        layer.weights, by: weightRule, gradient: gradient.weights.readOnly, first: first?.layers[index].weights,
        second: second?.layers[index].weights)
      backend.update(
        layer.bias, by: biasRule, gradient: gradient.bias.readOnly, first: first?.layers[index].bias,
        second: second?.layers[index].bias)
    }
  }
}

extension NetworkStorage {
  /// The factor that brings gradients down to a norm: `norm` over their own where that is larger, else 1.
  fileprivate func clipFactor(norm: Double, on backend: any ComputeBackend<Element>) -> Double {
    var sum = 0.0
    for layer in layers {
      sum += backend.sumOfSquares(layer.weights.readOnly)
      sum += backend.sumOfSquares(layer.bias.readOnly)
    }
    let found = sum.squareRoot()
    return found > norm ? norm / found : 1
  }
}
