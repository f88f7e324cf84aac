// The pass: forward and backward of a dense network over one block of rows, written once for every backend. How a batch
// is cut into blocks lies in RowBlocks.swift.

import ComputeBackend

/// Runs the network on the rows of `input`: `outputs[0] = activation(input weights + bias)`, and on from layer to layer.
///
/// - Parameters:
///   - network: the parameters.
///   - input: `[rows × inputs]`.
///   - outputs: `[rows × outputs]` of each layer, written.
func forward<Element>(
  _ network: NetworkStorage<Element>, input: MatrixView<Element>, outputs: [MutableMatrixView<Element>],
  on backend: any ComputeBackend<Element>
) {
  var layerInput = input
  for (layer, output) in zip(network.layers, outputs) {
    backend.forward(
      input: layerInput, weights: layer.weights.view, bias: layer.bias.view, activation: layer.activation,
      output: output)
    layerInput = output.readOnly
  }
}

/// Propagates the loss back through what ``forward(_:input:outputs:on:)`` left: from the output layer down, each layer's
/// parameter gradients first, then the gradient with respect to the sums of the layer below.
///
/// - Parameters:
///   - network: the parameters.
///   - input: `[rows × inputs]`.
///   - target: `[rows × outputs]` of the last layer.
///   - loss: which loss.
///   - scale: ``Loss/gradientScale(rows:outputs:)`` of the whole batch, of which these rows may be a part.
///   - outputs: `[rows × outputs]` of each layer.
///   - sumGradients: `[rows × outputs]` of each layer, written: the gradients with respect to the layer's sums.
///   - gradients: the gradients of the parameters, written.
/// - Returns: the sum of the rows' losses, not divided.
func backward<Element>(
  _ network: NetworkStorage<Element>, input: MatrixView<Element>, target: MatrixView<Element>, loss: Loss,
  scale: Element, outputs: [MutableMatrixView<Element>], sumGradients: [MutableMatrixView<Element>],
  gradients: NetworkStorage<Element>, on backend: any ComputeBackend<Element>
) -> Element {
  let last = network.layers.count - 1
  let lossSum = backend.loss(
    loss, output: outputs[last].readOnly, target: target, scale: scale, gradient: sumGradients[last])
  backward(network.layers[last].activation, value: outputs[last].readOnly, gradient: sumGradients[last])

  for index in (0...last).reversed() {
    let layerInput = index == 0 ? input : outputs[index - 1].readOnly
    let sumGradient = sumGradients[index].readOnly
    backend.parameterGradients(
      input: layerInput, outputGradient: sumGradient,
      weightGradient: gradients.layers[index].weights.mutableView,
      biasGradient: gradients.layers[index].bias.mutableView)
    if index > 0 {
      backend.inputGradient(
        outputGradient: sumGradient, weights: network.layers[index].weights.view, input: layerInput,
        activation: network.layers[index - 1].activation, inputGradient: sumGradients[index - 1])
    }
  }
  return lossSum
}

/// The gradient with respect to the sums of the output layer, from that with respect to its outputs:
/// `gradient[i] = activation.backward(gradient[i], value: value[i])`. The layers below get theirs from the backend's
/// `inputGradient`. Most networks end in the identity, which leaves nothing to do.
///
/// - Parameters:
///   - activation: the output layer's.
///   - value: `[rows × outputs]`, its activated outputs.
///   - gradient: of the same shape, replaced.
private func backward<Element: KernelElement>(
  _ activation: Activation, value: MatrixView<Element>, gradient: MutableMatrixView<Element>
) {
  guard activation != .identity else { return }
  for row in 0..<value.rows {
    for column in 0..<value.columns {
      gradient[row, column] = activation.backward(gradient[row, column], value: value[row, column])
    }
  }
}
