// The table of shapes: nothing, one, primes, and one below, at and above the sizes of vectors, tiles, stripes and leaves.

/// A dense layer's batch and widths.
struct Shape: Sendable, CustomStringConvertible {
  let rows: Int
  let inputs: Int
  let outputs: Int

  var description: String { "\(rows) rows, \(inputs) x \(outputs)" }

  /// Fused multiply-adds in one pass.
  var work: Int { rows * inputs * outputs }

  static let widths = [0, 1, 2, 3, 5, 7, 8, 9, 13, 15, 16, 17, 31, 32, 33, 47, 64, 65, 97, 100, 257]
  static let batches = [0, 1, 2, 3, 5, 15, 16, 17, 31, 33, 64, 255, 256, 257, 271, 511, 512, 513, 1000, 1500]

  /// Every pair of widths, on few rows that change from pair to pair.
  static let byWidth: [Shape] = {
    let few = [1, 2, 17, 5, 16, 3, 7]
    return widths.enumerated().flatMap { i, inputs in
      widths.enumerated().map { j, outputs in
        Shape(rows: few[(i * 5 + j) % few.count], inputs: inputs, outputs: outputs)
      }
    }
  }()

  /// Every batch, on layers on both sides of what is narrow.
  static let byBatch: [Shape] = batches.flatMap { rows in
    [
      (1, 1), (1, 2), (2, 1), (3, 5), (5, 3), (1, 15), (15, 1), (1, 16), (16, 1), (4, 4), (0, 3), (3, 0), (13, 20),
      (17, 33), (65, 17), (7, 100),
    ].map { Shape(rows: rows, inputs: $0, outputs: $1) }
  }

  /// Wider and deeper than the blocks that kernels cut their operands into.
  static let beyondBlocks: [Shape] = [
    (3, 513, 9), (7, 600, 1), (130, 513, 7), (64, 1024, 33), (2, 513, 1100), (7, 600, 1100), (1025, 20, 1100),
    (20_000, 1, 1), (20_000, 3, 3), (20_000, 4, 7), (40, 4100, 20), (40, 4100, 3), (600, 2100, 20),
    (3, 700, 130), (4, 4100, 260), (7, 4100, 260),
  ].map { Shape(rows: $0, inputs: $1, outputs: $2) }

  /// Operands of 4 MiB and more in `Double`, cut into blocks of rows and of columns, with an odd number of vectors of
  /// columns: the sums over rows of one, the layer forward of the other.
  static let cutBothWaysOverRows = Shape(rows: 1024, inputs: 512, outputs: 513)
  static let cutBothWaysForward = Shape(rows: 512, inputs: 1024, outputs: 513)

  /// Layers on both sides of what is narrow, on rows that fill their last stripes and that do not.
  static let forNegativeZero: [Shape] = [16, 17, 31, 33, 271, 300].flatMap { rows in
    [(1, 1), (2, 1), (1, 2), (3, 5), (4, 4), (7, 3), (17, 9), (33, 20)].map {
      Shape(rows: rows, inputs: $0, outputs: $1)
    }
  }

  /// Operands that stay in the nearest caches, lanes along outputs and along rows, few rows on wide layers, and
  /// rows a whole period of the nearest cache apart.
  static let inPlace: [Shape] = [
    (32, 13, 64), (32, 64, 32), (32, 32, 1), (64, 64, 128), (64, 128, 10), (100, 100, 100), (256, 24, 9), (1, 300, 130),
    (2, 301, 67), (3, 302, 65), (4, 303, 64), (5, 700, 100), (12, 700, 100), (13, 700, 100), (1, 5, 71), (4, 2, 64),
    (64, 127, 10), (63, 33, 3), (9, 40, 5), (8, 16, 1), (257, 30, 9), (20, 5, 1024), (13, 30, 1024), (1, 9, 1024),
    (25, 14, 1016), (20, 9, 512), (1024, 20, 5), (1024, 6, 30),
    (48, 9, 1024), (9, 48, 1024), (45, 5, 512), (5, 45, 512),
  ].map { Shape(rows: $0, inputs: $1, outputs: $2) }

  /// One row: strips of one to eight vectors of each width, whole and overlapping, and columns that fill none.
  static let singleRow: [Shape] = [0, 1, 2, 5, 17, 64].flatMap { inputs in
    (Array(1...9) + [15, 16, 17, 23, 25, 31, 33, 40, 41, 48, 55, 57, 63, 64, 65, 72, 120, 127, 129, 136]).map {
      Shape(rows: 1, inputs: inputs, outputs: $0)
    }
  }

  static let all =
    byWidth + byBatch + inPlace + singleRow + [
      Shape(rows: 300, inputs: 257, outputs: 100), Shape(rows: 515, inputs: 64, outputs: 65),
    ]
}
