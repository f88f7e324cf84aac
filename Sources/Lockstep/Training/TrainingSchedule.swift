// How long and in which portions to train, and why training may fail. What a single step does is a TrainingMethod; who
// follows the schedule lies in TrainingSession.swift.

import ComputeBackend

/// How long and in which portions to train.
public struct TrainingSchedule: Sendable, Equatable {
  /// How often every row is seen, at most.
  public let epochs: Int
  /// Rows in a batch; the last of an epoch takes what is left.
  public let batchSize: Int
  /// The learning rate, before ``rates`` changes it.
  public let learningRate: Double
  /// How the learning rate changes from step to step.
  public let rates: LearningRateSchedule
  /// Whether each epoch takes the rows in a new random order.
  public let shuffles: Bool
  /// What the orders are drawn from: the stream ``RandomStream/Purpose/shuffle`` with the epoch (from 0) as its index.
  public let seed: UInt64
  /// For how many epochs the validation loss may fail to improve; then training ends, and the parameters with the
  /// smallest validation loss are taken. `nil` trains through all epochs and takes the last parameters.
  public let patience: Int?

  /// - Parameters:
  ///   - epochs: how often every row is seen, at most: from 0.
  ///   - batchSize: rows in a batch: from 1.
  ///   - learningRate: the learning rate: finite.
  ///   - rates: how it changes from step to step.
  ///   - shuffles: whether each epoch takes the rows in a new random order.
  ///   - seed: what the orders are drawn from.
  ///   - patience: for how many epochs the validation loss may fail to improve: from 1, or `nil` for any number.
  /// - Throws: ``TrainingError/schedule(_:)`` for a number that is out of its range.
  public init(
    epochs: Int, batchSize: Int, learningRate: Double, rates: LearningRateSchedule = .constant, shuffles: Bool = true,
    seed: UInt64 = 0, patience: Int? = nil
  ) throws(TrainingError) {
    guard epochs >= 0, epochs <= Int(UInt32.max) else {
      throw .schedule("the number of epochs is \(epochs); it must lie between 0 and \(UInt32.max)")
    }
    guard batchSize >= 1 else { throw .schedule("the batch size is \(batchSize); it must be at least 1") }
    guard learningRate.isFinite else {
      throw .schedule("the learning rate is \(learningRate); it must be a finite number")
    }
    if let patience, patience < 1 { throw .schedule("the patience is \(patience); it must be at least 1") }
    do { try rates.check() } catch { throw .schedule(error.description) }
    self.epochs = epochs
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.rates = rates
    self.shuffles = shuffles
    self.seed = seed
    self.patience = patience
  }

  /// Checks that the learning rate, before ``rates`` changes it, keeps its meaning when it is rounded to a precision: one that is
  /// not 0 may become neither 0 nor infinite. A ``TrainingSession`` asks for its trainer.
  ///
  /// - Parameter precision: what is computed in.
  /// - Throws: ``HyperparameterError``; never for `.f64`.
  public func check(in precision: Precision) throws(HyperparameterError) {
    try HyperparameterError.check("learning rate", learningRate, in: precision)
  }

  /// How many steps an epoch over `rows` rows takes.
  ///
  /// - Parameter rows: 1 or more.
  public func stepsPerEpoch(rows: Int) -> Int { (rows - 1) / batchSize + 1 }

  /// The learning rate of step `step` (from 0), where an epoch has `stepsPerEpoch`: the product with the factor of ``rates``,
  /// rounded.
  public func learningRate(step: Int, stepsPerEpoch: Int) -> Double {
    learningRate * rates.factor(step: step, stepsPerEpoch: stepsPerEpoch, epochs: epochs)
  }
}

/// Why training could not start or go on.
public enum TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Shapes that do not fit.
  case network(NetworkError)
  /// A schedule that cannot be followed; the text says which number must change.
  case schedule(String)
  /// A number of the method or the schedule that has no meaning in the precision of training.
  case hyperparameter(HyperparameterError)
  /// A state that is none of this training; the text says why.
  case state(String)
  /// In step `step` (from 1) the loss, an updated parameter or a moment of the optimiser became NaN or infinite. The trainer
  /// holds the parameters and the optimiser's state that the step started from, the last that are finite; the loss of the
  /// step's batch is not always finite with them.
  case notFinite(step: Int, quantity: String)
  /// In step `step` (from 1) a number of the data is NaN or infinite; the text says which, with the row and column of the
  /// data counted from 0. The trainer holds what the step started from.
  case notFiniteData(step: Int, quantity: String)

  public var description: String {
    switch self {
    case .network(let error): error.description
    case .schedule(let text), .state(let text): text
    case .hyperparameter(let error): error.description
    case .notFinite(let step, let quantity):
      "training failed at step \(step): \(quantity); try a smaller learning rate or scale the data"
    case .notFiniteData(let step, let quantity):
      "training failed at step \(step): \(quantity); put a finite number there or leave the row out"
    }
  }
}
