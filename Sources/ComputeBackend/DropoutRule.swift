// Dropout, spelled once: which elements are dropped, and what becomes of the others. Where in a network it stands lies in the
// module Lockstep.

/// What is dropped of a layer's outputs in one step (Srivastava et al. 2014), the rest scaled so that the expected value stays.
///
/// Element `[row, column]` is kept where word `column % 4` of ``words(row:columnBlock:)`` with `columnBlock = column / 4` is
/// ``threshold`` or more. A row is counted within the whole batch, so that every cut of the batch sees the same mask.
@frozen
public struct DropoutRule<Element: KernelElement>: Sendable, Equatable {
  /// A word below this drops its element: the rate times 2^32, rounded down.
  public var threshold: UInt32
  /// What a kept element is multiplied with: 1 / (1 - rate), the quotient in `Double`, rounded to the element.
  public var scale: Element
  /// The third word of the counter: the step's number, from 0, its low 32 bits.
  public var step: UInt32
  /// The fourth word of the counter: 2 + 256 times the layer's number, from 0.
  public var stream: UInt32
  /// The key, low half first.
  public var key: SIMD2<UInt32>

  /// The rule of a layer in a step.
  ///
  /// - Parameters:
  ///   - rate: the share of elements that is dropped: 0 or more, below 1.
  ///   - seed: what the masks are drawn from.
  ///   - step: the step's number, from 0.
  ///   - layer: the layer's number, from 0.
  /// - Precondition: the rate is as said.
  @inlinable
  public init(rate: Double, seed: UInt64, step: Int, layer: Int) {
    precondition(rate >= 0 && rate < 1, "The dropout rate is out of range")
    threshold = UInt32(rate * 0x1p32)
    scale = Element(1 / (1 - rate))
    self.step = UInt32(truncatingIfNeeded: step)
    stream = 2 | UInt32(truncatingIfNeeded: layer) << 8
    key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32))
  }

  /// The random words of columns `4 columnBlock` to `4 columnBlock + 3` of a row.
  @inlinable @inline(__always)
  public func words(row: Int, columnBlock: Int) -> Philox.Words {
    Philox.words(
      counter: Philox.Words(
        UInt32(truncatingIfNeeded: columnBlock), UInt32(truncatingIfNeeded: row), step, stream),
      key: key)
  }

  /// What becomes of `x` by its word: +0 where it is dropped, whatever it was.
  @inlinable @inline(__always)
  public func value(_ x: Element, word: UInt32) -> Element { word >= threshold ? x * scale : 0 }

  /// Drops elements of a matrix, one after the other, as ``ComputeBackend/dropOut(_:by:firstRow:output:)`` says: what a
  /// backend without a kernel of its own does.
  @inlinable @inline(__always)
  public func apply(_ values: MatrixView<Element>, firstRow: Int, output: MutableMatrixView<Element>) {
    for row in 0..<values.rows {
      let x = values.base + row * values.stride
      let y = output.base + row * output.stride
      for first in stride(from: 0, to: values.columns, by: 4) {
        let words = words(row: firstRow + row, columnBlock: first / 4)
        for column in first..<min(first + 4, values.columns) {
          y[column] = value(x[column], word: words[column - first])
        }
      }
    }
  }
}
