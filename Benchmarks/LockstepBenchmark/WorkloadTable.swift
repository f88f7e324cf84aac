// The named workloads, by family.

import ComputeBackend

/// Workloads that belong together.
public enum WorkloadFamily: String, Sendable, CaseIterable {
  /// The networks that people train and run, from tiny to huge.
  case table
  /// Matrix products: squares, odd widths, skinny shapes.
  case products
  /// A network of three equal widths, from narrow to wide.
  case width
  /// One small network, from one row to a million.
  case batch
  /// Layers of one width, from few to many.
  case depth

  /// The workloads, in the order in which they run.
  public var workloads: [Workload] {
    switch self {
    case .table: Self.tableWorkloads
    case .products: Self.productWorkloads
    case .width: Self.widthWorkloads
    case .batch: Self.batchWorkloads
    case .depth: Self.depthWorkloads
    }
  }

  /// What it holds, as a phrase.
  public var summary: String {
    switch self {
    case .table: "networks that people train and run, from tiny to huge"
    case .products: "matrix products: squares, odd widths, skinny shapes"
    case .width: "w-w-w relu on 64 rows, over the width w"
    case .batch: "13-64-32-1 relu, over the number of rows"
    case .depth: "layers of 64 relu on 64 rows, over their number"
    }
  }

  private static let tableWorkloads: [Workload] = [
    Workload(name: "celsius", sizes: [1, 2, 1], activation: .identity, batch: 100),
    Workload(name: "tiny-large-batch", sizes: [1, 2, 1], activation: .identity, batch: 1_000_000),
    Workload(name: "tabular", sizes: [13, 64, 32, 1], batch: 32),
    Workload(name: "digits", sizes: [64, 128, 10], loss: .softmaxCrossEntropy, batch: 64),
    Workload(name: "mnist", sizes: [784, 512, 256, 10], loss: .softmaxCrossEntropy, batch: 128),
    Workload(name: "wide", sizes: [1024, 1024, 1024, 1024], batch: 512),
    Workload(name: "huge", sizes: [4096, 4096, 4096], batch: 256),
    Workload(name: "infer1", kind: .inference, sizes: [784, 512, 256, 10], loss: .softmaxCrossEntropy, batch: 1),
    Workload(
      name: "infer-batch", kind: .inference, sizes: [784, 512, 256, 10], loss: .softmaxCrossEntropy, batch: 1024),
  ]

  private static let productWorkloads: [Workload] = {
    let squares = [16, 32, 64, 128, 256, 512, 1024, 2048].map { ($0, $0, $0) }
    let odd = [13, 17, 100, 1000, 1023].map { ($0, $0, $0) }
    let skinny = [(128, 784, 512), (512, 1024, 1024), (6, 800, 800), (1024, 4, 1024)]
    return (squares + odd + skinny).map { m, k, n in
      Workload(name: "products/\(m)x\(k)x\(n)", kind: .product, sizes: [k, n], activation: .identity, batch: m)
    }
  }()

  private static let widthWorkloads: [Workload] = (3...12).map { exponent in
    let width = 1 << exponent
    return Workload(name: "width/\(width)", sizes: [width, width, width], batch: 64)
  }

  private static let batchWorkloads: [Workload] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000].map { rows in
    Workload(name: "batch/\(rows)", sizes: [13, 64, 32, 1], batch: rows)
  }

  private static let depthWorkloads: [Workload] = [1, 2, 4, 8, 16, 32, 64].map { layers in
    Workload(name: "depth/\(layers)", sizes: Array(repeating: 64, count: layers + 1), batch: 64)
  }
}

extension Workload {
  /// The workloads that a name stands for: one, a family, or `curves` for those over width, batch and depth; empty for a
  /// name that is none of these.
  public static func named(_ name: String) -> [Workload] {
    if name == "curves" { return [.width, .batch, .depth].flatMap(\WorkloadFamily.workloads) }
    if let family = WorkloadFamily(rawValue: name) { return family.workloads }
    return all.filter { $0.name == name }
  }

  /// Every named workload.
  public static var all: [Workload] { WorkloadFamily.allCases.flatMap(\.workloads) }
}
