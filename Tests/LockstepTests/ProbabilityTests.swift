// Probabilities of logits: those that the losses' own gradients hold, on every backend, and what mathematics says.

import BackendMatrix
import ComputeBackend
import Testing

@testable import Lockstep

@Suite struct ProbabilityTests {
  /// With a target of 0 a cross-entropy's gradient of scale 1 is the probability itself.
  func compareWithGradients<Element: NetworkElement>(_: Element.Type, columns: Int) throws {
    for rows in [0, 1, 3, 257] {
      let random: Matrix<Element> = randomMatrix(rows: rows, columns: columns, seed: 3)
      var logits = Matrix<Element>(rows: rows, columns: columns, elements: random.elements.map { $0 * 20 })
      if rows > 1 { logits[1, columns - 1] = 1000 }
      for loss in [Loss.binaryCrossEntropy, .softmaxCrossEntropy] {
        let found = try #require(loss.probabilities(of: logits))
        #expect(found.rows == rows && found.columns == columns)
        for backend in try allBackends(Element.self) {
          // Softmax needs a target in each row; the others show.
          for target in 0..<(loss == .softmaxCrossEntropy ? columns : 1) {
            var targets = Matrix<Element>(rows: rows, columns: columns)
            if loss == .softmaxCrossEntropy { for row in 0..<rows { targets[row, target] = 1 } }
            var gradient = Matrix<Element>(rows: rows, columns: columns)
            _ = logits.withView { logits in
              targets.withView { targets in
                gradient.withMutableView {
                  backend.loss(loss, output: logits, target: targets, weights: nil, scale: 1, gradient: $0)
                }
              }
            }
            for row in 0..<rows {
              for column in 0..<columns where loss == .binaryCrossEntropy || column != target {
                #expect(
                  gradient[row, column].bitPattern == found[row, column].bitPattern,
                  "\(backend.name), \(loss), \(rows) x \(columns), [\(row), \(column)]")
              }
            }
          }
        }
      }
    }
  }

  @Test(arguments: [1, 2, 3, 10, 17]) func theyAreThoseOfTheLosses(columns: Int) throws {
    try compareWithGradients(Float.self, columns: columns)
    try compareWithGradients(Double.self, columns: columns)
  }

  @Test func rowsSumToOneAndExtremesAreTaken() throws {
    // The last row holds the logarithms of 1, 2 and 5.
    let logits = Matrix<Double>(
      rows: 4, columns: 3,
      elements: [0, 0, 0, -1000, 0, 1000, 1e308, -1e308, 0, 0, 0.6931471805599453, 1.6094379124341003])
    let found = try #require(Loss.softmaxCrossEntropy.probabilities(of: logits))
    let expected = [1.0 / 3, 1.0 / 3, 1.0 / 3, 0, 0, 1, 1, 0, 0, 0.125, 0.25, 0.625]
    #expect(zip(found.elements, expected).allSatisfy { abs($0 - $1) < 1e-15 }, "\(found.elements)")
    let yes = try #require(
      Loss.binaryCrossEntropy.probabilities(
        of: Matrix<Float>(rows: 1, columns: 5, elements: [0, -200, 200, .infinity, -.infinity])))
    #expect(yes.elements == [0.5, 0, 1, 1, 0])
    let none = try #require(
      Loss.softmaxCrossEntropy.probabilities(of: Matrix<Float>(rows: 1, columns: 2, elements: [.nan, 1])))
    #expect(none.elements.allSatisfy { $0.isNaN })
  }

  @Test(arguments: [Loss.meanSquaredError, .meanAbsoluteError, .huber]) func numbersHaveNone(loss: Loss) {
    #expect(loss.probabilities(of: Matrix<Float>(rows: 2, columns: 2)) == nil)
  }
}
