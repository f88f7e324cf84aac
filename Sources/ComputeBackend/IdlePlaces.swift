// Where what calls use in turn waits to be used again, without a lock: a lock that a thread held when its process forked would
// never be free in the child. What waits, and who frees it, is told by who has the places.

import Synchronization

/// Places for addresses that nobody uses at the moment. Any number of threads may take and give back at once.
package struct IdlePlaces: ~Copyable, Sendable {
  /// How many addresses may wait.
  package static var count: Int { 32 }

  /// The addresses, 0 where there is none. Calls look for one from the first place on.
  private let places = InlineArray<32, Atomic<UInt>> { _ in Atomic(0) }

  package init() {}

  /// An address that was given back, for the caller alone.
  @inline(never)
  package func take() -> UnsafeMutableRawPointer? {
    for place in places.indices {
      if let address = exchange(nil, at: place) { return address }
    }
    return nil
  }

  /// Leaves an address in the first place that is free, by pushing what is there to the next.
  ///
  /// - Returns: what found no place, for the caller to free.
  @inline(never)
  package func giveBack(_ address: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    var address = address
    for place in places.indices {
      guard let other = exchange(address, at: place) else { return nil }
      address = other
    }
    return address
  }

  private func exchange(_ address: UnsafeMutableRawPointer?, at place: Int) -> UnsafeMutableRawPointer? {
    UnsafeMutableRawPointer(
      bitPattern: places[place].exchange(UInt(bitPattern: address), ordering: .acquiringAndReleasing))
  }
}
