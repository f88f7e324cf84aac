// What a training session learns from, and the batches that a schedule cuts it into.

import ComputeBackend

/// Rows to learn from, or to measure a network on: values that are kept, or memory that somebody else keeps.
public struct TrainingData<Element: KernelElement>: Sendable {
  private enum Memory: Sendable {
    case values(input: Matrix<Element>, target: Matrix<Element>, weights: Matrix<Element>?)
    case borrowed(TrainingViews<Element>)
  }

  private let memory: Memory

  /// Rows as values.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`.
  ///   - target: `[rows × outputs]`.
  ///   - weights: `[rows × 1]`: what each row's loss counts; `nil` where all count the same.
  public init(input: Matrix<Element>, target: Matrix<Element>, weights: Matrix<Element>? = nil) {
    memory = .values(input: input, target: target, weights: weights)
  }

  /// Rows in memory that the caller keeps, unchanged, while they are used.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`.
  ///   - target: `[rows × outputs]`.
  ///   - weights: `[rows × 1]`: what each row's loss counts; `nil` where all count the same.
  public init(
    borrowing input: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>? = nil
  ) {
    memory = .borrowed(TrainingViews(input: input, target: target, weights: weights))
  }

  /// How many rows there are.
  public var rows: Int {
    switch memory {
    case .values(let input, _, _): input.rows
    case .borrowed(let views): views.input.rows
    }
  }

  /// Calls `body` with the rows, valid during the call.
  func withViews<Result, Failure: Error>(
    _ body: (TrainingViews<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch memory {
    case .borrowed(let views): return try body(views)
    case .values(let input, let target, let weights):
      return try input.withView { (input) throws(Failure) in
        try target.withView { (target) throws(Failure) in
          guard let weights else { return try body(TrainingViews(input: input, target: target, weights: nil)) }
          return try weights.withView { (weights) throws(Failure) in
            try body(TrainingViews(input: input, target: target, weights: weights))
          }
        }
      }
    }
  }
}

/// Rows where they lie.
struct TrainingViews<Element: KernelElement>: Sendable {
  let input: MatrixView<Element>
  let target: MatrixView<Element>
  let weights: MatrixView<Element>?

  /// What all rows together count.
  var weight: Double {
    guard let weights else { return Double(input.rows) }
    return (0..<weights.rows).reduce(0) { $0 + Double(weights[$1, 0]) }
  }

  /// Some of the rows.
  func rows(_ range: Range<Int>) -> TrainingViews {
    TrainingViews(input: input.rows(range), target: target.rows(range), weights: weights?.rows(range))
  }
}

/// The batches of a training run, any of which can be had at any time.
final class Batches<Element: KernelElement> {
  /// Batches in an epoch.
  let perEpoch: Int
  private let schedule: TrainingSchedule
  private let rows: Int
  private let input: MatrixStorage<Element>
  private let target: MatrixStorage<Element>
  private let weights: MatrixStorage<Element>?
  private var latestOrder: (epoch: Int, rows: [Int])?

  init(of data: TrainingViews<Element>, schedule: TrainingSchedule) {
    self.schedule = schedule
    rows = data.input.rows
    perEpoch = schedule.stepsPerEpoch(rows: rows)
    let room = schedule.shuffles ? min(schedule.batchSize, rows) : 0
    input = MatrixStorage(rows: room, columns: data.input.columns)
    target = MatrixStorage(rows: room, columns: data.target.columns)
    weights = data.weights.map { MatrixStorage(rows: room, columns: $0.columns) }
  }

  /// The batch of step `step` (from 0), and whether it is the last of its epoch; a shuffled one is a copy, which stays as it is
  /// until the next is asked for.
  ///
  /// - Parameters:
  ///   - step: the step.
  ///   - data: the rows that the batches were made for.
  func batch(
    _ step: Int, of data: TrainingViews<Element>
  ) -> (rows: TrainingViews<Element>, endsEpoch: Bool) {
    let (epoch, places) = places(of: step)
    let endsEpoch = places.upperBound == rows
    guard schedule.shuffles else { return (data.rows(places), endsEpoch) }
    let indices = order(of: epoch)[places]
    input.mutableView.copy(rows: indices, of: data.input)
    target.mutableView.copy(rows: indices, of: data.target)
    if let from = data.weights { weights?.mutableView.copy(rows: indices, of: from) }
    let copy = TrainingViews(input: input.view, target: target.view, weights: weights?.view)
    return (copy.rows(0..<places.count), endsEpoch)
  }

  /// The first number in the rows of step `step` (from 0) that is NaN or infinite, as a clause; `nil` where all are finite.
  func firstNotFinite(_ step: Int, of data: TrainingViews<Element>) -> String? {
    let (epoch, places) = places(of: step)
    for place in places {
      let row = schedule.shuffles ? order(of: epoch)[place] : place
      for (name, matrix) in [("input", data.input), ("target", data.target)] {
        for column in 0..<matrix.columns where !matrix[row, column].isFinite {
          return "\(name) row \(row), column \(column) is \(matrix[row, column])"
        }
      }
    }
    return nil
  }

  /// The epoch of step `step`, from 0, and the step's places in the epoch's order.
  private func places(of step: Int) -> (epoch: Int, places: Range<Int>) {
    let (epoch, number) = step.quotientAndRemainder(dividingBy: perEpoch)
    let start = number * schedule.batchSize
    return (epoch, start..<start + min(schedule.batchSize, rows - start))
  }

  /// The random order of rows in an epoch.
  private func order(of epoch: Int) -> [Int] {
    if let latestOrder, latestOrder.epoch == epoch { return latestOrder.rows }
    var stream = RandomStream(seed: schedule.seed, purpose: .shuffle, index: UInt32(epoch))
    let order = stream.permutation(rows)
    latestOrder = (epoch, order)
    return order
  }
}
