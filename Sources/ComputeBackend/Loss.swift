// Losses: the loss of one row and its gradient, side by side, spelled once for every Swift backend.

/// What training makes small: the mean over a batch of a loss between outputs and targets.
public enum Loss: String, Sendable, CaseIterable {
  /// The mean over all elements of `(y - t)²`.
  case meanSquaredError = "mse"
  /// The mean over all elements of binary cross-entropy, where the output is a logit `z`:
  /// `max(z, 0) - z t + log1p(exp(-|z|))`.
  case binaryCrossEntropy = "bce"
  /// The mean over rows of cross-entropy with the softmax of the row, where the outputs are logits:
  /// `Σ t (log Σ exp(z - max z) - (z - max z))`.
  case softmaxCrossEntropy = "cross-entropy"
  /// The mean over all elements of `|y - t|`.
  case meanAbsoluteError = "mae"
  /// The mean over all elements of Huber's loss with δ = 1, for d = y - t: `d² / 2` where `|d| ≤ 1`, else `|d| - 1/2`.
  case huber

  /// How many terms the mean is over, for a whole batch of `rows` rows.
  @inlinable
  public func termCount(rows: Int, outputs: Int) -> Int {
    self == .softmaxCrossEntropy ? rows : rows * outputs
  }

  /// The factor of every gradient element: 2 / n for the mean squared error, 1 / n for the others, n the
  /// ``termCount(rows:outputs:)`` of the whole batch.
  @inlinable
  public func gradientScale<Element: KernelElement>(rows: Int, outputs: Int) -> Element {
    gradientScale(divisor: divisor(rows: rows, outputs: outputs))
  }

  /// What the sum of a batch's losses is divided by for their mean: ``termCount(rows:outputs:)``; where rows have weights, the
  /// sum of those in the place of the number of rows.
  ///
  /// Weights are added in `Double`, in the order of the rows. What comes of it is rounded to `Element` once, so that weights of
  /// 1 give the bits of none.
  ///
  /// - Parameters:
  ///   - rows: rows of the whole batch.
  ///   - outputs: outputs of a row.
  ///   - weights: `[rows × 1]`, or `nil` where all rows count alike.
  @inlinable
  public func divisor<Element: KernelElement>(
    rows: Int, outputs: Int, weights: MatrixView<Element>? = nil
  ) -> Element {
    guard let weights else { return Element(termCount(rows: rows, outputs: outputs)) }
    let sum = (0..<weights.rows).reduce(0.0) { $0 + Double(weights[$1, 0]) }
    return Element(self == .softmaxCrossEntropy ? sum : sum * Double(outputs))
  }

  /// The factor of every gradient element, as ``gradientScale(rows:outputs:)``, for a batch with this
  /// ``divisor(rows:outputs:weights:)``: 0 where that is 0, as no row counts.
  @inlinable
  public func gradientScale<Element: KernelElement>(divisor: Element) -> Element {
    divisor == 0 ? 0 : (self == .meanSquaredError ? 2 : 1) / divisor
  }

  /// The mean loss: `sum / divisor`, 0 where no row counts.
  @inlinable
  public func mean<Element: KernelElement>(ofSum sum: Element, divisor: Element) -> Element {
    divisor == 0 ? 0 : sum / divisor
  }

  /// The loss of rows, one per lane, and its gradient.
  ///
  /// Sums over outputs run in ascending order from +0. The closures take an output's index. `store` receives
  /// d loss / d output times `scale` in the end; before that it may receive values that `stored` must give back.
  ///
  /// - Returns: the sum of the row's terms, not yet divided by their number.
  @inlinable @inline(__always)
  public func rows<Vector: KernelVector>(
    outputs: Int, scale: Vector,
    output: (Int) -> Vector, target: (Int) -> Vector, store: (Int, Vector) -> Void, stored: (Int) -> Vector
  ) -> Vector {
    switch self {
    case .meanSquaredError:
      var sum = Vector.zero
      for j in 0..<outputs {
        let difference = output(j) - target(j)
        sum = .fma(difference, difference, sum)
        store(j, difference * scale)
      }
      return sum

    case .binaryCrossEntropy:
      var sum = Vector.zero
      for j in 0..<outputs {
        let z = output(j)
        let t = target(j)
        let isNegative = Vector.less(z, .zero)
        let positivePart = Vector.select(isNegative, .zero, z)
        let minusMagnitude = Vector.select(isNegative, z, -z)
        sum = sum + ((positivePart - z * t) + Elementary.log1p(Elementary.exp(minusMagnitude)))
        store(j, (Elementary.sigmoid(z) - t) * scale)
      }
      return sum

    case .softmaxCrossEntropy:
      guard outputs > 0 else { return .zero }
      var largest = output(0)
      for j in 1..<outputs {
        let z = output(j)
        largest = Vector.select(Vector.less(largest, z), z, largest)
      }
      var exponentials = Vector.zero
      var targets = Vector.zero
      for j in 0..<outputs {
        let exponential = Elementary.exp(output(j) - largest)
        store(j, exponential)
        exponentials = exponentials + exponential
        targets = targets + target(j)
      }
      let logarithm = Elementary.log(exponentials)
      var sum = Vector.zero
      for j in 0..<outputs {
        let t = target(j)
        sum = .fma(t, logarithm - (output(j) - largest), sum)
        store(j, ((stored(j) / exponentials) * targets - t) * scale)
      }
      return sum

    case .meanAbsoluteError:
      var sum = Vector.zero
      for j in 0..<outputs {
        let difference = output(j) - target(j)
        let isNegative = Vector.less(difference, .zero)
        sum = sum + Vector.select(isNegative, -difference, difference)
        // Where neither is larger, +0; NaN stays.
        let level = Vector.select(Vector.less(.zero, difference), scale, difference + .zero)
        store(j, Vector.select(isNegative, -scale, level))
      }
      return sum

    case .huber:
      let (one, half) = (Vector(repeating: 1), Vector(repeating: 0.5))
      var sum = Vector.zero
      for j in 0..<outputs {
        let difference = output(j) - target(j)
        let magnitude = Vector.select(Vector.less(difference, .zero), -difference, difference)
        let isSmall = Vector.lessOrEqual(magnitude, one)
        sum = sum + Vector.select(isSmall, (difference * difference) * half, magnitude - half)
        let raised = Vector.select(Vector.less(difference, -one), -one, difference)
        store(j, Vector.select(Vector.less(one, raised), one, raised) * scale)
      }
      return sum
    }
  }
}
