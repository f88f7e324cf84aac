// What the order of arithmetic costs: the same matrix product in the contract's order and in a free one, beside each other.

import CPriceKernels
import ComputeBackend
import Lockstep
import LockstepReference

/// A product that is measured in both orders, in Float on one thread.
public struct PricedProduct: Sendable, Equatable {
  /// What its sums run over.
  public enum Sum: String, Sendable, CaseIterable {
    /// Features, as in forward: one chain; free, a partial sum for each block of 256 that is kept in cache.
    case features
    /// Rows, as in a weight gradient: leaves of 256 and the pairwise tree; free, a running sum.
    case rows
    /// Features of a layer with a single output on a single row: one chain; free, many chains side by side.
    case dot
  }

  /// What it is called, as in `price/mnist-forward`.
  public let name: String
  /// What its sums run over.
  public let sum: Sum
  /// Rows and columns of the result, and how many products each sum has.
  public let rows: Int, columns: Int, depth: Int

  /// Those that are measured: forward and weight gradients of the table's networks, one over a hundred thousand rows, and
  /// the smallest output there is.
  public static let all: [PricedProduct] = [
    PricedProduct(name: "price/mnist-forward", sum: .features, rows: 128, columns: 512, depth: 784),
    PricedProduct(name: "price/wide-forward", sum: .features, rows: 512, columns: 1024, depth: 1024),
    PricedProduct(name: "price/wide-gradient", sum: .rows, rows: 1024, columns: 1024, depth: 512),
    PricedProduct(name: "price/wide-gradient-8192", sum: .rows, rows: 1024, columns: 1024, depth: 8192),
    PricedProduct(name: "price/small-gradient-100000", sum: .rows, rows: 64, columns: 64, depth: 100_000),
    PricedProduct(name: "price/single-output", sum: .dot, rows: 1, columns: 1, depth: 784),
  ]

  /// Floating-point operations.
  public var operations: Double { 2 * Double(rows) * Double(columns) * Double(depth) }
}

/// What a product costs in both orders.
public struct PriceResult: Sendable {
  /// The product.
  public let product: PricedProduct
  /// Seconds in the contract's order.
  public let contract: SampledTime
  /// Seconds in a free order.
  public let free: SampledTime
  /// The part of the result's elements whose bits are others in the free order.
  public let differentElements: Double
  /// The first element that is not the reference's in the contract's order, as a sentence; `nil` where all are.
  public let difference: String?

  /// How much longer the contract's order takes, as a part of the free one's time.
  public var price: Double { contract.median / free.median - 1 }
}

extension BenchmarkRun {
  /// Measures a product in both orders, a timed batch of the one after a timed batch of the other.
  ///
  /// - Returns: `nil` where there are no kernels for this CPU, or not enough memory.
  public func price(of product: PricedProduct, instructionSet: InstructionSet) -> PriceResult? {
    guard let work = PriceWork(product, instructionSet: instructionSet) else { return nil }
    work.run(isFree: false, steps: 1)
    let contract = work.result
    work.run(isFree: true, steps: 1)
    let free = work.result
    let difference = work.difference(of: contract)
    let (contractTime, freeTime) = sampler.time(
      { work.run(isFree: false, steps: $0) }, { work.run(isFree: true, steps: $0) })
    let different = zip(contract.elements, free.elements).count {
      $0.canonicalBitPattern != $1.canonicalBitPattern
    }
    return PriceResult(
      product: product, contract: contractTime, free: freeTime,
      differentElements: Double(different) / Double(contract.elements.count), difference: difference)
  }
}

/// A product's operands and memory.
private final class PriceWork {
  private let product: PricedProduct
  private let kernels: OpaquePointer
  /// `[rows × depth]`, or `[depth × rows]` where the sums run over rows.
  private let left: MatrixStorage<Float>
  /// `[depth × columns]`.
  private let right: MatrixStorage<Float>
  private var dot: Float = 0

  init?(_ product: PricedProduct, instructionSet: InstructionSet) {
    let vectors: lockstep_price_vectors
    switch instructionSet {
    case .scalar: return nil
    case .avx2: vectors = LOCKSTEP_PRICE_AVX2
    case .avx512: vectors = LOCKSTEP_PRICE_AVX512
    case .neon: vectors = LOCKSTEP_PRICE_NEON
    }
    guard let kernels = lockstep_price_create(vectors, product.rows, product.columns, product.depth) else { return nil }
    self.product = product
    self.kernels = kernels
    var stream = RandomStream(seed: 3, purpose: .parameters)
    func numbers(rows: Int, columns: Int) -> MatrixStorage<Float> {
      let elements = (0..<rows * columns).map { _ in Float(2 * stream.uniform() - 1) }
      return MatrixStorage(Matrix(rows: rows, columns: columns, elements: elements))
    }
    left =
      product.sum == .rows
      ? numbers(rows: product.depth, columns: product.rows) : numbers(rows: product.rows, columns: product.depth)
    right = numbers(rows: product.depth, columns: product.columns)
  }

  deinit {
    lockstep_price_destroy(kernels)
  }

  func run(isFree: Bool, steps: Int) {
    let (left, right) = (left.view, right.view)
    let isOverRows = product.sum == .rows
    let order: lockstep_price_order =
      isOverRows
      ? (isFree ? LOCKSTEP_PRICE_CHAIN : LOCKSTEP_PRICE_TREE)
      : (isFree ? LOCKSTEP_PRICE_PARTIAL_SUMS : LOCKSTEP_PRICE_CHAIN)
    for _ in 0..<steps {
      if product.sum == .dot {
        dot =
          isFree
          ? lockstep_price_dot_free(kernels, left.base, right.base, product.depth)
          : lockstep_price_dot_chain(left.base, right.base, product.depth)
      } else {
        lockstep_price_run(
          kernels, order, left.base, isOverRows ? 1 : left.stride, isOverRows ? left.stride : 1, right.base,
          right.stride)
      }
    }
  }

  /// `[rows × columns]`, what the last step left.
  var result: Matrix<Float> {
    if product.sum == .dot { return Matrix(rows: 1, columns: 1, elements: [dot]) }
    let elements = [Float](unsafeUninitializedCapacity: product.rows * product.columns) { buffer, count in
      lockstep_price_result(kernels, buffer.baseAddress)
      count = product.rows * product.columns
    }
    return Matrix(rows: product.rows, columns: product.columns, elements: elements)
  }

  /// Compares some elements, from all over the result, with the reference.
  func difference(of result: Matrix<Float>) -> String? {
    let most = max(1, Int((2e8 / Double(2 * product.depth)).squareRoot()))
    let rows = Self.some(most, of: product.rows)
    let columns = Self.some(most, of: product.columns)
    let right = right.matrix.transposed.picking(columns).transposed
    let expected: Matrix<Float>
    if product.sum == .rows {
      let left = left.matrix.transposed.picking(rows).transposed
      expected = Reference.parameterGradients(input: left, outputGradient: right).weights
    } else {
      expected = Reference.forward(
        input: left.matrix.picking(rows), weights: right, bias: Matrix(rows: 1, columns: columns.count),
        activation: .identity)
    }
    let found = result.picking(rows).transposed.picking(columns).transposed
    if Reference.isAllZero(expected) { return "the reference is all zeros" }
    return Reference.difference(of: found, from: expected)?.description
  }

  private static func some(_ most: Int, of count: Int) -> [Int] {
    // Enough columns that the reference's layer is not a narrow one, which has another order.
    let picked = min(count, max(most, 16))
    return (0..<picked).map { picked == 1 ? 0 : $0 * (count - 1) / (picked - 1) }
  }
}
