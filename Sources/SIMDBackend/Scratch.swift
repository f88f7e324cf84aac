// Scratch memory that outlives a call: what is packed is as large as the operands, and memory fresh from the system costs
// a page fault every 4 KiB. How it is shared out lies in BlockPlan.swift.

import ComputeBackend

/// Blocks of memory, each lent to one call at a time: as many as calls have run at once, up to as many as there are
/// places for. A call that finds none takes memory of its own.
final class ScratchPool: Sendable {
  private let idle = IdlePlaces()

  /// A block begins with its size, a cache line before what is lent.
  private static let headerBytes = 64

  deinit {
    while let block = idle.take() { block.deallocate() }
  }

  /// Calls `body` with uninitialised memory for `count` elements, aligned to cache lines.
  @inline(__always)
  func withMemory<Element: KernelElement, Value>(
    of _: Element.Type, count: Int, _ body: (UnsafeMutablePointer<Element>) -> Value
  ) -> Value {
    let block = take(bytes: count &* MemoryLayout<Element>.stride)
    defer { idle.giveBack(block)?.deallocate() }
    return body((block + Self.headerBytes).assumingMemoryBound(to: Element.self))
  }

  @inline(never)
  private func take(bytes: Int) -> UnsafeMutableRawPointer {
    if let block = idle.take() {
      if block.load(as: Int.self) >= bytes { return block }
      block.deallocate()
    }
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: Self.headerBytes + max(bytes, 1 << 16), alignment: Self.headerBytes)
    block.storeBytes(of: max(bytes, 1 << 16), as: Int.self)
    return block
  }
}
