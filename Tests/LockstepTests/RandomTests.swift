// Random numbers against published vectors and their own definitions.

import ComputeBackend
import Foundation
import Testing

@testable import Lockstep

@Suite struct RandomTests {
  /// The known answers that come with Random123, the authors' own implementation (kat_vectors, philox4x32 10).
  @Test(arguments: [
    (
      SIMD4<UInt32>(repeating: 0), SIMD2<UInt32>(repeating: 0),
      SIMD4<UInt32>(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8)
    ),
    (
      SIMD4(repeating: UInt32.max), SIMD2(repeating: UInt32.max),
      SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD)
    ),
    (
      SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), SIMD2(0xA409_3822, 0x299F_31D0),
      SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1)
    ),
  ])
  func philoxGivesThePublishedWords(counter: SIMD4<UInt32>, key: SIMD2<UInt32>, words: SIMD4<UInt32>) {
    #expect(Philox.words(counter: counter, key: key) == words)
  }

  @Test func streamTakesWordsInTheDocumentedOrder() {
    var stream = RandomStream(seed: 0, purpose: .parameters)
    #expect(stream.next() == 0xE169_C58D_6627_E8D5)
    #expect(stream.next() == 0x9B00_DBD8_BC57_AC4C)
    let second = Philox.words(counter: SIMD4(1, 0, 0, 0), key: SIMD2(0, 0))
    #expect(stream.next() == UInt64(second[1]) << 32 | UInt64(second[0]))
  }

  @Test func streamsOfSeedsPurposesAndIndicesDiffer() {
    var streams = [
      RandomStream(seed: 1, purpose: .shuffle), RandomStream(seed: 1, purpose: .shuffle, index: 1),
      RandomStream(seed: 2, purpose: .shuffle), RandomStream(seed: 1, purpose: .parameters),
      RandomStream(seed: 1 << 32 | 1, purpose: .shuffle),
    ]
    let draws = streams.indices.map { streams[$0].next() }
    #expect(Set(draws).count == draws.count)
  }

  @Test func uniformStaysInsideTheUnitInterval() {
    var stream = RandomStream(seed: 7, purpose: .parameters)
    let draws = (0..<100_000).map { _ in stream.uniform() }
    #expect(draws.allSatisfy { $0 > 0 && $0 < 1 })
    #expect(abs(draws.reduce(0, +) / 100_000 - 0.5) < 0.004)
  }

  /// Values of Python's `statistics.NormalDist().inv_cdf`, which follows the same published algorithm.
  @Test(arguments: [
    (0.5, 0.0), (0.975, 1.9599639845400536), (0.025, -1.9599639845400538), (0.001, -3.090232306167813),
    (1e-12, -7.034483825301131), (0.8, 0.8416212335729143), (1e-300, -37.0470962993612),
  ])
  func normalQuantileAgreesWithPython(probability: Double, expected: Double) {
    #expect(abs(normalQuantile(probability) - expected) <= 4e-15 * max(1, abs(expected)))
  }

  @Test func normalHasMeanZeroAndVarianceOne() {
    var stream = RandomStream(seed: 3, purpose: .parameters)
    let draws = (0..<100_000).map { _ in stream.normal() }
    let mean = draws.reduce(0, +) / 100_000
    let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 100_000
    #expect(abs(mean) < 0.013)
    #expect(abs(variance - 1) < 0.02)
  }

  @Test func boundedIntegersAreFairAndBelowTheBound() {
    var stream = RandomStream(seed: 5, purpose: .shuffle)
    var counts = [0, 0, 0]
    for _ in 0..<30_000 { counts[Int(stream.integer(below: 3))] += 1 }
    #expect(counts.allSatisfy { abs($0 - 10_000) < 500 })
    // A bound just above half of 2^64 is redrawn about every other time: its largest values must still be reached.
    let large = (0..<100).map { _ in stream.integer(below: 1 << 63 + 1) }
    #expect(large.contains { $0 > 1 << 62 })
  }

  @Test(arguments: [0, 1, 2, 257]) func permutationsHoldEveryIndexOnce(count: Int) {
    var stream = RandomStream(seed: 11, purpose: .shuffle)
    let order = stream.permutation(count)
    #expect(order.sorted() == Array(0..<count))
    if count > 2 { #expect(order != Array(0..<count)) }
  }
}
