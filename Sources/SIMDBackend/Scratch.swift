// Scratch memory that outlives a call: what is packed is as large as the operands, and memory fresh from the system costs
// a page fault every 4 KiB. How it is shared out lies in BlockPlan.swift.

import ComputeBackend
import Synchronization

/// One block of memory, lent to one call at a time. A call that finds it lent takes memory of its own.
final class ScratchPool: Sendable {
  /// The address of the block, 0 while it is lent.
  private let idle = Atomic<UInt>(0)

  /// A block begins with its size, a cache line before what is lent.
  private static let headerBytes = 64

  deinit { exchange(nil)?.deallocate() }

  /// Calls `body` with uninitialised memory for `count` elements, aligned to cache lines.
  @inline(__always)
  func withMemory<Element: KernelElement, Value>(
    of _: Element.Type, count: Int, _ body: (UnsafeMutablePointer<Element>) -> Value
  ) -> Value {
    let block = take(bytes: count &* MemoryLayout<Element>.stride)
    defer { giveBack(block) }
    return body((block + Self.headerBytes).assumingMemoryBound(to: Element.self))
  }

  @inline(never)
  private func take(bytes: Int) -> UnsafeMutableRawPointer {
    if let block = exchange(nil) {
      if block.load(as: Int.self) >= bytes { return block }
      block.deallocate()
    }
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: Self.headerBytes + max(bytes, 1 << 16), alignment: Self.headerBytes)
    block.storeBytes(of: max(bytes, 1 << 16), as: Int.self)
    return block
  }

  @inline(never)
  private func giveBack(_ block: UnsafeMutableRawPointer) {
    exchange(block)?.deallocate()
  }

  private func exchange(_ block: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    UnsafeMutableRawPointer(
      bitPattern: idle.exchange(UInt(bitPattern: block), ordering: .acquiringAndReleasing))
  }
}
