// The bytes of files in memory, and how they grow: in place, as far as the system can, and never beyond what may be taken.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Bytes that do not change any more.
final class FileBytes: RandomAccessCollection, @unchecked Sendable {
  private let base: UnsafeMutableRawPointer
  let count: Int

  /// Owns `count` bytes that `malloc` has given.
  fileprivate init(owning base: UnsafeMutableRawPointer, count: Int) {
    self.base = base
    self.count = count
  }

  /// A copy of `bytes`.
  convenience init(_ bytes: some Collection<UInt8>) {
    let count = bytes.count
    guard let base = malloc(Swift.max(count, 1)) else { fatalError("There is no memory for \(count) bytes") }
    UnsafeMutableRawBufferPointer(start: base, count: count).copyBytes(from: bytes)
    self.init(owning: base, count: count)
  }

  deinit { free(base) }

  var startIndex: Int { 0 }
  var endIndex: Int { count }

  subscript(position: Int) -> UInt8 {
    precondition(position >= 0 && position < count, "There is no byte \(position)")
    return base.load(fromByteOffset: position, as: UInt8.self)
  }

  func withUnsafeBufferPointer<Result, Failure: Error>(
    _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeBufferPointer(start: UnsafePointer(base.assumingMemoryBound(to: UInt8.self)), count: count))
  }

  func withContiguousStorageIfAvailable<Result>(
    _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result? {
    try withUnsafeBufferPointer(body)
  }
}

/// Bytes that come in portions of unknown number.
struct GrowingBytes: ~Copyable {
  private var base: UnsafeMutableRawPointer?
  private var capacity = 0
  private(set) var count = 0
  private let memory: MemoryBudget

  /// No bytes yet, and room for `capacity`, which is a guess.
  init(capacity: Int, memory: MemoryBudget) throws(FileProblem) {
    self.memory = memory
    try grow(to: capacity)
  }

  deinit { free(base) }

  private mutating func grow(to wanted: Int) throws(FileProblem) {
    // A byte more than allowed shows that there are more.
    let most = min(memory.rest, .max - 1) + 1
    let larger = max(1, min(wanted, most))
    // Where memory lies in pages of its own, they are moved, not copied, and those that nobody has written to take none.
    guard let moved = realloc(base, larger) else { throw FileProblem(.tooLarge(bytes: nil, limit: memory.limit)) }
    (base, capacity) = (moved, larger)
  }

  /// Lets `body` write to the room that is left, of which there is always some, and say how much it wrote.
  ///
  /// - Throws: ``FileProblem`` for more bytes than may be taken.
  @discardableResult
  mutating func fill(
    _ body: (UnsafeMutableRawBufferPointer) throws(FileProblem) -> Int
  ) throws(FileProblem) -> Int {
    if count == capacity { try grow(to: max(2 * capacity, 1 << 12)) }
    let written = try body(UnsafeMutableRawBufferPointer(start: base! + count, count: capacity - count))
    count += written
    if count > memory.rest { throw FileProblem(.tooLarge(bytes: nil, limit: memory.limit)) }
    return written
  }

  /// What has been written.
  consuming func finished() -> FileBytes {
    let bytes = FileBytes(owning: realloc(base, max(count, 1)) ?? base!, count: count)
    base = nil
    return bytes
  }
}
