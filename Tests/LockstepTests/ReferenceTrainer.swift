// Training with an optimiser, clipping and dropout over the reference's primitives. What Lockstep makes of hyperparameters is
// computed here once more, as plainly as it can be.

import ComputeBackend
import Lockstep
import LockstepReference

/// A network in training, whole batches at a time.
struct ReferenceTrainer<Element: KernelElement> {
  let method: TrainingMethod
  let loss: Loss
  private(set) var layers: [ReferenceLayer<Element>]
  /// The moments of each tensor: weights and bias of the first layer, of the second, and so on.
  private(set) var first: [Matrix<Element>]
  private(set) var second: [Matrix<Element>]
  private var steps = 0

  init(_ network: Network<Element>, loss: Loss, method: TrainingMethod) {
    self.method = method
    self.loss = loss
    layers = ReferenceNetwork(network).layers
    first = layers.flatMap { [$0.weights, $0.bias] }.map { Matrix(rows: $0.rows, columns: $0.columns) }
    second = first
  }

  /// A step; returns the mean loss before it, and the gradients of all tensors before clipping.
  @discardableResult
  mutating func step(
    _ batch: ReferenceBatch<Element>, learningRate: Double
  ) -> (loss: Element, gradients: [Matrix<Element>]) {
    let (mean, gradients) = gradients(batch)
    let factor = clipFactor(gradients)
    steps += 1
    for (index, gradient) in gradients.enumerated() {
      let isWeights = index % 2 == 0
      let layer = index / 2
      let before = isWeights ? layers[layer].weights : layers[layer].bias
      let after = Reference.update(
        (before, first[index], second[index]),
        by: rule(learningRate: learningRate, factor: factor, decay: isWeights ? method.optimizer.weightDecay : 0),
        gradient: gradient)
      if isWeights { layers[layer].weights = after.parameters } else { layers[layer].bias = after.parameters }
      (first[index], second[index]) = (after.first, after.second)
    }
    return (mean, gradients)
  }

  private func drop(_ values: Matrix<Element>, layer: Int) -> Matrix<Element> {
    guard method.dropout > 0 else { return values }
    return Reference.dropOut(
      values, rate: method.dropout, seed: method.seed, step: steps, layer: layer, firstRow: 0)
  }

  private func gradients(_ batch: ReferenceBatch<Element>) -> (Element, [Matrix<Element>]) {
    var (inputs, outputs) = ([batch.input], [Matrix<Element>]())
    for (index, layer) in layers.enumerated() {
      let output = Reference.forward(
        input: inputs[index], weights: layer.weights, bias: layer.bias, activation: layer.activation)
      outputs.append(output)
      inputs.append(index < layers.count - 1 ? drop(output, layer: index) : output)
    }
    let result = outputs[outputs.count - 1]
    let terms = loss.termCount(rows: result.rows, outputs: result.columns)
    let (sum, lossGradient) = Reference.loss(
      loss, output: result, target: batch.target,
      scale: loss.gradientScale(rows: result.rows, outputs: result.columns))
    var gradient = Reference.gradient(of: layers[layers.count - 1].activation, lossGradient, value: result)
    var gradients: [Matrix<Element>] = []
    for index in layers.indices.reversed() {
      let (weights, bias) = Reference.parameterGradients(input: inputs[index], outputGradient: gradient)
      gradients = [weights, bias] + gradients
      if index > 0 {
        gradient = drop(
          Reference.inputGradient(
            outputGradient: gradient, weights: layers[index].weights, input: outputs[index - 1],
            activation: layers[index - 1].activation),
          layer: index - 1)
      }
    }
    return (sum / Element(terms), gradients)
  }

  private func clipFactor(_ gradients: [Matrix<Element>]) -> Double {
    guard let most = method.clipNorm else { return 1 }
    let norm = gradients.reduce(0.0) { $0 + Reference.sumOfSquares($1) }.squareRoot()
    return norm > most ? most / norm : 1
  }

  private func rule(learningRate: Double, factor: Double, decay: Double) -> UpdateRule<Element> {
    let optimizer = method.optimizer
    // From the lowest bit of the exponent up: from the highest down would round differently.
    func power(_ base: Double, _ exponent: Int) -> Double {
      exponent == 0 ? 1 : power(base * base, exponent / 2, times: exponent % 2 == 1 ? base : 1)
    }
    func power(_ square: Double, _ rest: Int, times product: Double) -> Double {
      if rest == 0 { return product }
      return power(square * square, rest / 2, times: rest % 2 == 1 ? product * square : product)
    }
    let isAdam = optimizer.kind == .adam || optimizer.kind == .adamW
    let isDecoupled = optimizer.kind == .adamW
    let secondDecay = isAdam ? optimizer.beta2 : optimizer.smoothing
    let correctedRate = learningRate / (1 - power(optimizer.beta1, steps))
    let formulas: [Optimizer.Kind: UpdateFormula] = [
      .sgd: .descent, .momentum: .momentum, .nesterov: .nesterov, .rmsProp: .rmsProp, .adam: .adam, .adamW: .adam,
    ]
    return UpdateRule(
      formulas[optimizer.kind]!, rate: Element(isAdam ? correctedRate : learningRate),
      gradientFactor: Element(factor), weightDecay: Element(isDecoupled ? 0 : decay),
      parameterFactor: Element(isDecoupled ? 1 - learningRate * decay : 1),
      firstDecay: Element(isAdam ? optimizer.beta1 : optimizer.momentum), firstShare: Element(1 - optimizer.beta1),
      secondDecay: Element(secondDecay), secondShare: Element(1 - secondDecay),
      rootFactor: Element(1 / (1 - power(optimizer.beta2, steps)).squareRoot()), epsilon: Element(optimizer.epsilon))
  }
}
