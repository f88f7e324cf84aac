// The pass: forward and backward of a dense network over one block of rows, written once for every backend. How a batch
// is cut into blocks lies in RowBlocks.swift.

import ComputeBackend

/// What becomes of a layer's gradients as soon as the pass knows them.
enum GradientUse<Element: KernelElement> {
  /// They are stored, in a network of the same shape.
  case store(NetworkStorage<Element>)
  /// A step of gradient descent, where the rows are the whole batch.
  case descend(learningRate: Element)
}

/// Runs the network forward, for answers alone: `hidden[0] = activation(input weights + bias)`, and on from layer to layer.
///
/// - Parameters:
///   - network: the parameters.
///   - input: `[rows × inputs]`.
///   - hidden: room for `[rows × outputs]` of each layer but the last, written; more rows and layers may follow.
///   - output: `[rows × outputs]` of the last layer, written.
func forward<Element>(
  _ network: NetworkStorage<Element>, input: MatrixView<Element>, hidden: [MutableMatrixView<Element>],
  output: MutableMatrixView<Element>, on backend: any ComputeBackend<Element>
) {
  var layerInput = input
  for index in network.layers.indices {
    let layer = network.layers[index]
    let layerOutput = index == network.layers.count - 1 ? output : hidden[index].rows(0..<input.rows)
    backend.forward(
      input: layerInput, weights: layer.weights.readOnly, bias: layer.bias.readOnly, activation: layer.activation,
      output: layerOutput)
    layerInput = layerOutput.readOnly
  }
}

/// Runs the network forward in training: beside each layer's outputs, what its derivative takes is kept.
///
/// - Parameters:
///   - network: the parameters.
///   - input: `[rows × inputs]`.
///   - views: room for `[rows × outputs]` of each layer, written.
///   - dropout: what is dropped of the hidden layers' outputs on the way to the next layer.
func forward<Element>(
  _ network: NetworkStorage<Element>, input: MatrixView<Element>, views: PassViews<Element>,
  dropout: BlockDropout<Element>?, on backend: any ComputeBackend<Element>
) {
  var layerInput = input
  for index in network.layers.indices {
    let layer = network.layers[index]
    let keepsSums = layer.activation.keepsSums
    backend.forward(
      input: layerInput, weights: layer.weights.readOnly, bias: layer.bias.readOnly,
      activation: keepsSums ? .identity : layer.activation, output: views.kept[index])
    if keepsSums { backend.activate(layer.activation, sums: views.kept[index].readOnly, output: views.outputs[index]) }
    layerInput = views.outputs[index].readOnly
    if let dropout, index < dropout.outputs.count {
      layerInput = dropout.drop(layerInput, layer: index, output: dropout.outputs[index], on: backend)
    }
  }
}

/// Propagates the loss back through what ``forward(_:input:views:dropout:on:)`` left: from the output layer down, the gradient
/// with respect to the sums of the layer below first, as it takes the weights before a step, then each layer's own.
///
/// - Parameters:
///   - network: the parameters.
///   - input: `[rows × inputs]`.
///   - target: `[rows × outputs]` of the last layer.
///   - weights: `[rows × 1]`, how much each row counts, or `nil`.
///   - loss: which loss.
///   - scale: ``Loss/gradientScale(divisor:)`` of the whole batch, of which these rows may be a part.
///   - views: the outputs of each layer and what it has kept, and room for the gradients with respect to its sums.
///   - dropout: what was dropped on the way forward.
///   - use: what becomes of the gradients of the parameters.
/// - Returns: the sum of the rows' losses, not divided.
func backward<Element>(
  _ network: NetworkStorage<Element>, input: MatrixView<Element>, target: MatrixView<Element>,
  weights: MatrixView<Element>?, loss: Loss, scale: Element, views: PassViews<Element>,
  dropout: BlockDropout<Element>?, use: GradientUse<Element>,
  on backend: any ComputeBackend<Element>
) -> Element {
  let (outputs, kept, sumGradients) = (views.outputs, views.kept, views.sumGradients)
  let last = network.layers.count - 1
  let lossSum = backend.loss(
    loss, output: outputs[last].readOnly, target: target, weights: weights, scale: scale, gradient: sumGradients[last])
  // Most networks end in the identity, which leaves nothing to do.
  if network.layers[last].activation != .identity {
    backend.activateBackward(
      network.layers[last].activation, value: kept[last].readOnly, gradient: sumGradients[last])
  }

  for index in (0...last).reversed() {
    let layer = network.layers[index]
    var layerInput = index == 0 ? input : outputs[index - 1].readOnly
    let sumGradient = sumGradients[index].readOnly
    if index > 0 {
      backend.inputGradient(
        outputGradient: sumGradient, weights: layer.weights.readOnly, input: kept[index - 1].readOnly,
        activation: network.layers[index - 1].activation, inputGradient: sumGradients[index - 1])
      if let dropout {
        dropout.drop(sumGradients[index - 1].readOnly, layer: index - 1, output: sumGradients[index - 1], on: backend)
        layerInput = dropout.outputs[index - 1].readOnly
      }
    }
    switch use {
    case .store(let gradients):
      backend.parameterGradients(
        input: layerInput, outputGradient: sumGradient, weightGradient: gradients.layers[index].weights,
        biasGradient: gradients.layers[index].bias)
    case .descend(let learningRate):
      backend.updateParameters(
        weights: layer.weights, bias: layer.bias, input: layerInput, outputGradient: sumGradient,
        learningRate: learningRate)
    }
  }
  return lossSum
}
