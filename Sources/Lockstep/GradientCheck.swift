// A check of the pass against nothing but its own losses: central differences.

import ComputeBackend

/// How far the gradients of backpropagation lie from central differences of the loss.
public struct GradientCheck: Sendable, Equatable {
  /// The largest error of any parameter: |gradient - difference quotient| / max(1, |gradient|, |quotient|); NaN where one
  /// is NaN.
  public let maximumError: Double
  /// The parameter with the largest error, by its place in ``Network/parametersInFileOrder``.
  public let worstParameter: Int
  /// How many parameters were compared.
  public let parameterCount: Int

  /// Compares every gradient of `network` over a batch with `(loss(p + h) - loss(p - h)) / 2h`, where h is
  /// `max(1, |p|)` times the cube root of 2^-52, which balances rounding against truncation.
  ///
  /// - Parameters:
  ///   - network: in `Double`; its activations should be smooth near these inputs, or the quotient straddles a kink.
  ///   - input: `[rows × inputs]`, a row or more.
  ///   - target: `[rows × outputs]`.
  ///   - weights: `[rows × 1]`, how much each row counts, or `nil`.
  ///   - loss: which loss.
  ///   - backend: what computes.
  /// - Throws: ``NetworkError`` where the shapes do not fit.
  public init(
    _ network: Network<Double>, input: Matrix<Double>, target: Matrix<Double>, weights: Matrix<Double>? = nil,
    loss: Loss, on backend: any ComputeBackend<Double>
  ) throws(NetworkError) {
    func meanLoss(_ parameters: [Double]) throws(NetworkError) -> Double {
      let moved = Network(shapedAs: network, parametersInFileOrder: parameters)
      return try Network.meanLoss(
        loss, output: moved.predict(input, on: backend), target: target, weights: weights, on: backend)
    }
    let relativeStep = 6.055454452393343e-06
    let gradients = try Trainer(network, loss: loss, backend: backend)
      .gradients(input: input, target: target, weights: weights)
    let flatGradients = Network(checked: gradients.layers).parametersInFileOrder
    let parameters = network.parametersInFileOrder
    var maximumError = 0.0
    var worstParameter = 0

    for (index, gradient) in flatGradients.enumerated() {
      let step = max(1, abs(parameters[index])) * relativeStep
      var (above, below) = (parameters, parameters)
      above[index] += step
      below[index] -= step
      // Divided by the distance of the points as they are after rounding.
      let quotient = (try meanLoss(above) - meanLoss(below)) / (above[index] - below[index])
      let error = abs(gradient - quotient) / max(1, abs(gradient), abs(quotient))
      // The first NaN stays: no later error is larger.
      if error.isNaN ? !maximumError.isNaN : error > maximumError {
        maximumError = error
        worstParameter = index
      }
    }
    self.maximumError = maximumError
    self.worstParameter = worstParameter
    parameterCount = parameters.count
  }
}
