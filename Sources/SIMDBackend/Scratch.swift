// Scratch memory that outlives a call: what is packed is as large as the operands, and memory fresh from the system costs
// a page fault every 4 KiB. How it is shared out lies in BlockPlan.swift.

import ComputeBackend
import Synchronization

/// Blocks of memory, each lent to one call at a time: as many as calls have run at once, up to as many as there are
/// places for. A call that finds none takes memory of its own.
final class ScratchPool: Sendable {
  /// The addresses of idle blocks, 0 where there is none. Calls look for one from the first place on.
  private let idle = InlineArray<32, Atomic<UInt>> { _ in Atomic(0) }

  /// A block begins with its size, a cache line before what is lent.
  private static let headerBytes = 64

  deinit {
    for place in idle.indices { exchange(nil, at: place)?.deallocate() }
  }

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
    for place in idle.indices {
      guard let block = exchange(nil, at: place) else { continue }
      if block.load(as: Int.self) >= bytes { return block }
      block.deallocate()
      break
    }
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: Self.headerBytes + max(bytes, 1 << 16), alignment: Self.headerBytes)
    block.storeBytes(of: max(bytes, 1 << 16), as: Int.self)
    return block
  }

  /// Leaves a block in the first place that is free, by pushing what is there to the next.
  @inline(never)
  private func giveBack(_ block: UnsafeMutableRawPointer) {
    var block = block
    for place in idle.indices {
      guard let other = exchange(block, at: place) else { return }
      block = other
    }
    block.deallocate()
  }

  private func exchange(_ block: UnsafeMutableRawPointer?, at place: Int) -> UnsafeMutableRawPointer? {
    UnsafeMutableRawPointer(
      bitPattern: idle[place].exchange(UInt(bitPattern: block), ordering: .acquiringAndReleasing))
  }
}
