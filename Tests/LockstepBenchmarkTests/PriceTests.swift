// The kernels in both orders: the contract's must be the reference's, the free ones near it.

import ComputeBackend
import Lockstep
import Testing

@testable import LockstepBenchmark

@Suite struct PriceTests {
  // Odd shapes, depths of one leaf, of a few, and of as many as a tree's every merge needs.
  @Test(arguments: [
    PricedProduct(name: "", sum: .features, rows: 7, columns: 33, depth: 300),
    PricedProduct(name: "", sum: .features, rows: 130, columns: 16, depth: 5),
    PricedProduct(name: "", sum: .rows, rows: 17, columns: 19, depth: 200),
    PricedProduct(name: "", sum: .rows, rows: 31, columns: 18, depth: 1800),
    PricedProduct(name: "", sum: .rows, rows: 16, columns: 16, depth: 257),
    PricedProduct(name: "", sum: .dot, rows: 1, columns: 1, depth: 333),
  ])
  func theContractIsTheReference(product: PricedProduct) throws {
    let run = try BenchmarkRun(isQuick: true)
    for variant in try Backends.available() where variant.instructionSet != .scalar {
      let result = try #require(run.price(of: product, instructionSet: variant.instructionSet))
      #expect(result.difference == nil)
      // Sums of more than a block have other bits in the free order.
      if product.depth > 256 { #expect(result.differentElements > 0) }
    }
  }

  @Test func scalarHasNone() throws {
    #expect(try BenchmarkRun(isQuick: true).price(of: PricedProduct.all[0], instructionSet: .scalar) == nil)
  }
}
