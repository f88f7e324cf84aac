// What a training step does beside following the gradient of the loss: the choices that a trainer is made with.

import ComputeBackend

/// How a ``Trainer`` steps: its optimiser, clipping and dropout.
public struct TrainingMethod: Sendable, Equatable {
  /// How gradients become steps.
  public let optimizer: Optimizer
  /// The largest Euclidean norm of all gradients together: a step with a larger one takes gradients scaled down to it, times
  /// `clipNorm / norm`; PyTorch's `clip_grad_norm_` divides by `norm + 1e-6`. `nil` where nothing is clipped.
  public let clipNorm: Double?
  /// The share of each hidden layer's outputs that a step drops; 0 where none is. Predictions, and gradients without a step,
  /// never drop any.
  public let dropout: Double
  /// What dropout draws from.
  public let seed: UInt64

  /// - Parameters:
  ///   - optimizer: how gradients become steps.
  ///   - clipNorm: the largest norm of all gradients together, above 0; `nil` for any.
  ///   - dropout: the share of hidden outputs that is dropped, at least 0 and below 1.
  ///   - seed: what dropout draws from; any number.
  /// - Throws: ``HyperparameterError`` for the first number that is out of its range.
  public init(
    optimizer: Optimizer = .sgd, clipNorm: Double? = nil, dropout: Double = 0, seed: UInt64 = 0
  ) throws(HyperparameterError) {
    if let clipNorm { try HyperparameterError.check("clip norm", isPositive: clipNorm) }
    try HyperparameterError.check("dropout", dropout, below: 1)
    self.optimizer = optimizer
    self.clipNorm = clipNorm
    self.dropout = dropout
    self.seed = seed
  }

  /// Checks that the numbers keep their meaning when they are rounded to a precision, those that the optimiser does not use
  /// left out: none may become 0 or infinite, and no share of what stays 1. In `Float` an epsilon of 1e-60 would be none, and
  /// with a β₂ of 0.999999999 no gradient would ever count.
  ///
  /// A ``TrainingSession`` asks for its trainer. Who calls ``Trainer/step(input:target:weights:learningRate:)-(Matrix<Element>,_,_,_)``
  /// alone may ask before.
  ///
  /// - Parameter precision: what is computed in.
  /// - Throws: ``HyperparameterError`` for the first number that would lose its meaning; never for `.f64`.
  public func check(in precision: Precision) throws(HyperparameterError) {
    try optimizer.check(in: precision)
    if let clipNorm { try HyperparameterError.check("clip norm", clipNorm, in: precision) }
  }

  private init() {
    (optimizer, clipNorm, dropout, seed) = (.sgd, nil, 0, 0)
  }

  /// Plain gradient descent.
  public static let gradientDescent = TrainingMethod()

  /// True where a parameter's step needs nothing but its own gradient, so that a backend may take it as soon as that is there.
  var isPlainDescent: Bool {
    optimizer.kind == .sgd && optimizer.weightDecay == 0 && clipNorm == nil
  }
}

extension RowBlocks {
  /// Blocks of `rows` rows: each batch runs in portions of so many, whose gradients are summed up to one step, with the same
  /// bits as in one go. Memory for activations is that of a portion.
  ///
  /// - Parameter rows: ``ComputeBackend/OrderOfArithmetic/leafRows``, 256, times a power of two.
  /// - Throws: ``HyperparameterError`` for another number.
  public static func microBatch(rows: Int) throws(HyperparameterError) -> RowBlocks {
    let leafRows = OrderOfArithmetic.leafRows
    guard rows >= leafRows, rows % leafRows == 0, (rows / leafRows).nonzeroBitCount == 1 else {
      throw HyperparameterError(
        name: "micro-batch", value: Double(rows),
        requirement:
          "must be \(leafRows) times a power of two: \(leafRows), \(2 * leafRows), \(4 * leafRows), and so on")
    }
    return .leaves(exponent: (rows / leafRows).trailingZeroBitCount)
  }
}
