// Measuring a network on rows that it does not learn from.

import ComputeBackend

/// The loss and the measures of a trainer's network over rows, in one batch.
final class Validation<Element: KernelElement> {
  private let data: TrainingData<Element>
  private let predictor: Predictor<Element>
  private let backend: any ComputeBackend<Element>
  private let output: MatrixStorage<Element>
  /// What comes with a loss, and nobody reads.
  private let gradient: MatrixStorage<Element>

  /// - Throws: ``TrainingError/network(_:)`` where the shapes do not fit the network.
  init(_ data: TrainingData<Element>, of trainer: Trainer<Element>) throws(TrainingError) {
    try data.withViews { (views) throws(TrainingError) in try trainer.check(views) }
    self.data = data
    predictor = trainer.makePredictor()
    backend = trainer.backend
    output = MatrixStorage(rows: data.rows, columns: trainer.outputs)
    gradient = MatrixStorage(rows: data.rows, columns: trainer.outputs)
  }

  /// The mean loss and the measures of the parameters as they stand.
  func measure(loss: Loss) -> (loss: Double, metrics: Metrics) {
    data.withViews { views in
      do { try predictor.predict(views.input, into: output.mutableView) } catch {
        preconditionFailure("Shapes fitted before")
      }
      let mean = Network.meanLoss(
        loss, output: output.view, target: views.target, gradient: gradient.mutableView, on: backend)
      return (Double(mean), Metrics(loss: loss, output: output.view, target: views.target))
    }
  }
}
