// Measuring a network on rows that it does not learn from.

import ComputeBackend

/// The loss and the measures of a trainer's network over rows, in one batch.
final class Validation<Element: KernelElement> {
  private let data: TrainingData<Element>
  /// How targets were made of columns, and what they were before; `nil` where they are the columns.
  private let scales: (encodings: [ColumnEncoding], target: Matrix<Element>)?
  private let predictor: Predictor<Element>
  private let backend: any ComputeBackend<Element>
  private let output: MatrixStorage<Element>
  /// What comes with a loss, and nobody reads.
  private let gradient: MatrixStorage<Element>

  /// - Throws: ``TrainingError/network(_:)`` where the shapes do not fit the network.
  init(
    _ data: TrainingData<Element>, of trainer: Trainer<Element>, targetEncodings: [ColumnEncoding]?
  ) throws(TrainingError) {
    scales = try data.withViews { (views) throws(TrainingError) in
      try trainer.check(views)
      return targetEncodings.map { ($0, Matrix(views.target).decoded(by: $0)) }
    }
    self.data = data
    predictor = trainer.makePredictor()
    backend = trainer.backend
    output = MatrixStorage(rows: data.rows, columns: trainer.outputs)
    gradient = MatrixStorage(rows: data.rows, columns: trainer.outputs)
  }

  /// The mean loss of the parameters as they stand, and their measures in the units of the targets' columns.
  func measure(loss: Loss) -> (loss: Double, metrics: Metrics) {
    data.withViews { views in
      do { try predictor.predict(views.input, into: output.mutableView) } catch {
        preconditionFailure("Shapes fitted before")
      }
      let mean = Network.meanLoss(
        loss, output: output.view, target: views.target, gradient: gradient.mutableView, on: backend)
      guard let scales else {
        return (Double(mean), Metrics(loss: loss, output: output.view, target: views.target))
      }
      let decoded = Matrix(output.view).decoded(by: scales.encodings)
      return (Double(mean), Metrics(loss: loss, output: decoded, target: scales.target))
    }
  }
}
