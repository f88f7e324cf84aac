// What is measured: a network and a batch, and how much work a step of it is. The named ones lie in WorkloadTable.swift.

import ComputeBackend
import Lockstep

/// A network, a batch, and what is done with them over and over.
public struct Workload: Sendable, Equatable {
  /// What one step is.
  public enum Kind: String, Sendable, CaseIterable {
    /// Forward, loss gradient, backward and a step of gradient descent, on data in memory.
    case training
    /// Forward alone.
    case inference
    /// One matrix product `[batch × inputs] [inputs × outputs]`, as a backend's `forward` without an activation.
    case product
  }

  /// What it is called, as in `mnist` or `width/1024`.
  public let name: String
  /// What one step is.
  public let kind: Kind
  /// The widths, from input to output.
  public let sizes: [Int]
  /// The activation of the hidden layers.
  public let activation: Activation
  /// What training makes small.
  public let loss: Loss
  /// Rows in a step.
  public let batch: Int

  /// A workload of this shape.
  public init(
    name: String, kind: Kind = .training, sizes: [Int], activation: Activation = .relu, loss: Loss = .meanSquaredError,
    batch: Int
  ) {
    self.name = name
    self.kind = kind
    self.sizes = sizes
    self.activation = activation
    self.loss = loss
    self.batch = batch
  }

  /// The widths as `784-512-256-10`.
  public var network: String { sizes.map(String.init).joined(separator: "-") }

  /// Weights and biases.
  public var parameterCount: Int { zip(sizes, sizes.dropFirst()).reduce(0) { $0 + ($1.0 + 1) * $1.1 } }

  /// Floating-point operations of the matrix products in a step of `rows` rows: `2 m n k` for each.
  ///
  /// A layer has one forward, in training one for the weight gradient and, but for the first layer, one for the input
  /// gradient. Biases, activations, the loss and the update are not counted, as is usual: they are of a lower order in
  /// wide networks, and most of the work in narrow ones.
  public func operations(rows: Int) -> Double {
    var products = 0.0
    for layer in 1..<sizes.count {
      let ofLayer = kind != .training ? 1.0 : layer == 1 ? 2 : 3
      products += ofLayer * Double(sizes[layer - 1]) * Double(sizes[layer])
    }
    return 2 * Double(rows) * products
  }

  /// Floating-point operations of the matrix products in a step: see ``operations(rows:)``.
  public var operations: Double { operations(rows: batch) }
}
