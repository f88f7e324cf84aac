// Prediction and training on memory that somebody lends as spans, row after row without gaps. Views with a stride go
// through MatrixView.

import ComputeBackend

extension Predictor {
  /// The outputs for rows of input, row after row: as many rows as the input has, in memory that the caller has.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`.
  ///   - output: `[rows × outputs]`, written.
  /// - Throws: ``NetworkError`` where the input is no whole number of rows, or the output not of as many; nothing is
  ///   written then.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func predict(_ input: Span<Element>, into output: inout MutableSpan<Element>) throws(NetworkError) {
    let rows = try wholeRows(input.count, columns: inputs)
    guard output.count == rows * outputs else {
      throw .spanLength(elements: output.count, columns: outputs, rows: rows)
    }
    try MatrixView.withView(of: input, rows: rows, columns: inputs) { (input) throws(NetworkError) in
      try MutableMatrixView.withView(of: &output, rows: rows, columns: outputs) { (output) throws(NetworkError) in
        try predict(input, into: output)
      }
    }
  }
}

extension Trainer {
  /// A step as ``step(input:target:weights:learningRate:)-(Matrix<Element>,_,_,_)`` takes it, on rows that lie one after the other.
  ///
  /// - Parameters:
  ///   - input: `[rows × inputs]`, a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - learningRate: the factor of the gradient.
  /// - Returns: the mean loss before the update.
  /// - Throws: ``NetworkError`` where the input is no whole number of rows, or the target not of as many.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  @discardableResult
  public func step(
    input: Span<Element>, target: Span<Element>, learningRate: Element
  ) throws(NetworkError) -> Element {
    let (inputs, outputs) = (inputs, outputs)
    let rows = try wholeRows(input.count, columns: inputs)
    guard target.count == rows * outputs else {
      throw .spanLength(elements: target.count, columns: outputs, rows: rows)
    }
    return try MatrixView.withView(of: input, rows: rows, columns: inputs) { (input) throws(NetworkError) in
      try MatrixView.withView(of: target, rows: rows, columns: outputs) { (target) throws(NetworkError) in
        try step(input: input, target: target, learningRate: learningRate)
      }
    }
  }
}

/// How many rows `count` elements are.
private func wholeRows(_ count: Int, columns: Int) throws(NetworkError) -> Int {
  let (rows, rest) = count.quotientAndRemainder(dividingBy: columns)
  guard rest == 0 else { throw .spanLength(elements: count, columns: columns, rows: nil) }
  return rows
}
