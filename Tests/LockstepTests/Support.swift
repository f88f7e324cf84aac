// Random data for these tests, and the reference's view of a network.

import ComputeBackend
import LockstepReference
import Testing

@testable import Lockstep

/// Normal numbers, drawn row after row.
func randomMatrix<Element: KernelElement>(rows: Int, columns: Int, seed: UInt64) -> Matrix<Element> {
  var stream = RandomStream(seed: seed, purpose: .parameters)
  return Matrix(
    rows: rows, columns: columns, elements: (0..<rows * columns).map { _ in Element(stream.normal()) })
}

/// Targets that suit the loss: any number, numbers from 0 to 1, or one 1 a row.
func randomTargets<Element: KernelElement>(
  for loss: Loss, rows: Int, columns: Int, seed: UInt64
) -> Matrix<Element> {
  var stream = RandomStream(seed: seed, purpose: .shuffle)
  var targets = Matrix<Element>(rows: rows, columns: columns)
  for row in 0..<rows {
    switch loss {
    case .meanSquaredError, .meanAbsoluteError, .huber:
      for column in 0..<columns { targets[row, column] = Element(stream.normal()) }
    case .binaryCrossEntropy: for column in 0..<columns { targets[row, column] = Element(stream.uniform()) }
    case .softmaxCrossEntropy: targets[row, Int(stream.integer(below: UInt64(columns)))] = 1
    }
  }
  return targets
}

extension ReferenceNetwork {
  init(_ network: Network<Element>) {
    self.init(
      layers: network.layers.map { ReferenceLayer(weights: $0.weights, bias: $0.bias, activation: $0.activation) })
  }
}

/// The bits of a matrix as results are compared.
func bits<Element: KernelElement>(_ matrix: Matrix<Element>) -> [Element.BitPattern] {
  matrix.elements.map(\.canonicalBitPattern)
}
