// A whole network over the reference primitives: outputs, loss, gradients and gradient descent.

import ComputeBackend

/// A dense layer's parameters and its activation.
public struct ReferenceLayer<Element: KernelElement>: Sendable, Equatable {
  /// `[inputs × outputs]`.
  public var weights: Matrix<Element>
  /// `[1 × outputs]`.
  public var bias: Matrix<Element>
  /// What is applied to the layer's sums.
  public var activation: Activation

  /// A layer of these parameters.
  public init(weights: Matrix<Element>, bias: Matrix<Element>, activation: Activation) {
    self.weights = weights
    self.bias = bias
    self.activation = activation
  }
}

/// What one pass over a batch gives.
public struct ReferencePass<Element: KernelElement>: Sendable, Equatable {
  /// Each layer's activated outputs, first layer first: `[rows × outputs]`.
  public let outputs: [Matrix<Element>]
  /// The mean loss of the batch: the sum over rows divided by the number of terms.
  public let loss: Element
  /// The gradients of each layer's weights, first layer first: `[inputs × outputs]`.
  public let weightGradients: [Matrix<Element>]
  /// The gradients of each layer's bias, first layer first: `[1 × outputs]`.
  public let biasGradients: [Matrix<Element>]
}

/// A batch to train on: `[rows × inputs]` and `[rows × outputs]`.
public typealias ReferenceBatch<Element: KernelElement> = (input: Matrix<Element>, target: Matrix<Element>)

/// A network of dense layers, computed with the primitives of ``Reference``.
public struct ReferenceNetwork<Element: KernelElement>: Sendable, Equatable {
  /// The layers, from input to output. There is at least one.
  public var layers: [ReferenceLayer<Element>]

  /// A network of these layers, each with as many inputs as the one before it has outputs.
  public init(layers: [ReferenceLayer<Element>]) {
    self.layers = layers
  }

  /// The activated outputs of each layer, first layer first.
  ///
  /// - Parameter input: `[rows × inputs]`.
  /// - Returns: `[rows × outputs]` for each layer.
  public func outputs(for input: Matrix<Element>) -> [Matrix<Element>] {
    var outputs: [Matrix<Element>] = []
    for layer in layers {
      outputs.append(
        Reference.forward(
          input: outputs.last ?? input, weights: layer.weights, bias: layer.bias, activation: layer.activation))
    }
    return outputs
  }

  /// Forward and backward over a batch.
  ///
  /// The last layer's activation, where it is not the identity, meets the loss gradient as every other activation meets
  /// the gradient that comes from above.
  ///
  /// - Parameters:
  ///   - batch: `[rows × inputs]` and `[rows × outputs]`.
  ///   - weights: `[rows × 1]`, how much each row counts; `nil` where all count alike.
  ///   - loss: what the gradients are of.
  public func pass(
    over batch: ReferenceBatch<Element>, weights: Matrix<Element>? = nil, loss: Loss
  ) -> ReferencePass<Element> {
    let outputs = outputs(for: batch.input)
    let result = outputs[outputs.count - 1]
    var rows = Double(result.rows)
    if let weights {
      rows = 0
      for weight in weights.elements { rows += Double(weight) }
    }
    let terms = Element(loss == .softmaxCrossEntropy ? rows : rows * Double(result.columns))
    let scale: Element = terms == 0 ? 0 : (loss == .meanSquaredError ? 2 : 1) / terms
    let (sum, lossGradient) = Reference.loss(
      loss, output: result, target: batch.target, weights: weights, scale: scale)

    // What derivatives take: outputs, or sums.
    let kept = layers.indices.map { index in
      guard Reference.takesSums(layers[index].activation) else { return outputs[index] }
      return Reference.forward(
        input: index == 0 ? batch.input : outputs[index - 1], weights: layers[index].weights, bias: layers[index].bias,
        activation: .identity)
    }

    var gradient = Reference.gradient(
      of: layers[layers.count - 1].activation, lossGradient, value: kept[layers.count - 1])
    var weightGradients: [Matrix<Element>] = []
    var biasGradients: [Matrix<Element>] = []
    for index in layers.indices.reversed() {
      let input = index == 0 ? batch.input : outputs[index - 1]
      let (weights, bias) = Reference.parameterGradients(input: input, outputGradient: gradient)
      weightGradients.insert(weights, at: 0)
      biasGradients.insert(bias, at: 0)
      if index > 0 {
        gradient = Reference.inputGradient(
          outputGradient: gradient, weights: layers[index].weights, input: kept[index - 1],
          activation: layers[index - 1].activation)
      }
    }
    return ReferencePass(
      outputs: outputs, loss: terms == 0 ? 0 : sum / terms, weightGradients: weightGradients,
      biasGradients: biasGradients)
  }

  /// Plain gradient descent: a step for each batch, in order, all gradients before any update.
  ///
  /// - Parameters:
  ///   - batches: one for each step.
  ///   - weights: `[rows × 1]`, how much each row of a batch counts; `nil` where all count alike.
  ///   - loss: what is made smaller.
  ///   - learningRate: the factor of the gradients.
  /// - Returns: the loss of each batch before its step.
  @discardableResult
  public mutating func train(
    on batches: [ReferenceBatch<Element>], weights: Matrix<Element>? = nil, loss: Loss, learningRate: Element
  ) -> [Element] {
    batches.map { batch in
      let pass = pass(over: batch, weights: weights, loss: loss)
      for index in layers.indices {
        layers[index].weights = Reference.descend(
          layers[index].weights, gradient: pass.weightGradients[index], learningRate: learningRate)
        layers[index].bias = Reference.descend(
          layers[index].bias, gradient: pass.biasGradients[index], learningRate: learningRate)
      }
      return pass.loss
    }
  }
}
