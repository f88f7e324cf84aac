// Measuring a network on rows that it does not learn from.

import ComputeBackend

/// The loss and the measures of a trainer's network over rows, in one batch.
final class Validation<Element: KernelElement> {
  private let data: TrainingData<Element>
  private let target: Matrix<Element>
  private let predictor: Predictor<Element>
  private let backend: any ComputeBackend<Element>
  private var output: Matrix<Element>

  /// - Throws: ``TrainingError/network(_:)`` where the shapes do not fit the network.
  init(_ data: TrainingData<Element>, of trainer: Trainer<Element>) throws(TrainingError) {
    self.data = data
    target = try data.withViews { (views) throws(TrainingError) in
      try trainer.check(views)
      return Matrix(views.target)
    }
    predictor = trainer.makePredictor()
    backend = trainer.backend
    output = Matrix(rows: data.rows, columns: trainer.outputs)
  }

  /// The mean loss and the measures of the parameters as they stand.
  func measure(loss: Loss) -> (loss: Double, metrics: Metrics) {
    // Shapes were checked.
    do throws(NetworkError) {
      try data.withViews { (views) throws(NetworkError) in
        try output.withMutableView { (output) throws(NetworkError) in
          try predictor.predict(views.input, into: output)
        }
      }
      let mean = try Network.meanLoss(loss, output: output, target: target, on: backend)
      return (Double(mean), Metrics(loss: loss, output: output, target: target))
    } catch {
      preconditionFailure("Shapes fitted before")
    }
  }
}
