// From a session to a checkpoint file. What is in one is told in CheckpointFile.swift.

import ComputeBackend

extension TrainingSession {
  /// The state as the content of a checkpoint.
  ///
  /// - Parameters:
  ///   - recipe: of a training that has not begun: what is trained, and how.
  ///   - description: what the network is trained for and on.
  public func checkpoint(recipe: Recipe, description: ModelDescription) -> SafetensorsFile {
    let state = state
    var description = description
    description.recipe = recipe.taken(by: self).text
    let network = state.network.modelFile(description: description)
    var metadata = network.metadata
    metadata[NetworkMetadata.contentKey] = ModelContent.checkpoint.rawValue
    metadata[CheckpointFile.Key.optimizerSteps] = "\(state.optimizer.steps)"
    metadata[CheckpointFile.Key.epochLoss] = bits(state.epochLoss)
    var tensors = network.tensors
    let moments: [(CheckpointFile.Part, [DenseLayer<Element>])] = [
      (.first, state.optimizer.first), (.second, state.optimizer.second),
    ]
    for (part, layers) in moments where !layers.isEmpty {
      // Named after the parameters, whose activations decide the names.
      let named = zip(layers, state.network.layers).map {
        DenseLayer(weights: $0.weights, bias: $0.bias, activation: $1.activation)
      }
      tensors += prefixed(Network(checked: named), part)
    }
    if let best = state.best {
      metadata[CheckpointFile.Key.bestEpoch] = "\(best.epoch)"
      metadata[CheckpointFile.Key.bestLoss] = bits(best.validationLoss)
      tensors += prefixed(best.network, .best)
    }
    tensors.append(historyTensor(state.history))
    var file = SafetensorsFile(metadata: metadata, tensors: tensors)
    file.metadata[CheckpointFile.Key.digest] = file.checkpointDigest
    return file
  }

  private func prefixed(_ network: Network<Element>, _ part: CheckpointFile.Part) -> [SafetensorsFile.Tensor] {
    network.modelFile(description: ModelDescription()).tensors.map { $0.renamed(part.prefix + $0.name) }
  }

  private func historyTensor(_ history: [TrainingProgress]) -> SafetensorsFile.Tensor {
    let width = HistoryColumn.plain + (isValidated ? 1 + Metrics.names(for: trainer.loss).count : 0)
    let numbers = history.flatMap { progress -> [Double] in
      let plain = [Double(progress.epoch), progress.learningRate, progress.loss]
      guard let loss = progress.validationLoss, let metrics = progress.metrics else { return plain }
      return plain + [loss] + metrics.values.map { $0.value ?? .nan }
    }
    return SafetensorsFile.Tensor(
      name: CheckpointFile.historyName, shape: [history.count, width], elements: numbers)
  }
}

/// The bits of a number: 16 hexadecimal digits.
private func bits(_ value: Double) -> String {
  let digits = String(value.bitPattern, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}
