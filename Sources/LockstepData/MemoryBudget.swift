// How much memory data may take, and how much it takes.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How much memory data may take, and how much it takes.
///
/// What grows with the data is counted where it is allocated, at its largest: the content of files, what columns and texts are
/// kept in, and numbers. Buffers of a fixed size, less than a megabyte, are not.
struct MemoryBudget: Sendable {
  let limit: Int
  private(set) var used = 0

  init(limit: Int) { self.limit = limit }

  /// Half of the machine's memory, in bytes.
  static var halfOfMemory: Int {
    let (bytes, overflow) = sysconf(Int32(_SC_PHYS_PAGES)).multipliedReportingOverflow(
      by: sysconf(Int32(_SC_PAGESIZE)))
    return overflow || bytes <= 0 ? .max : bytes / 2
  }

  /// How much is left.
  var rest: Int { max(limit - used, 0) }

  /// What is wrong with taking `bytes` more, if anything; `nil` bytes are more than can be counted.
  func problem(taking bytes: Int?) -> DataError.Problem? {
    guard let bytes else { return .tooLarge(bytes: nil, limit: limit) }
    let (sum, overflow) = used.addingReportingOverflow(bytes)
    return overflow || sum > limit ? .tooLarge(bytes: overflow ? nil : sum, limit: limit) : nil
  }

  /// Takes `bytes` more; `nil` bytes are more than can be counted.
  mutating func take(_ bytes: Int?) throws(FileProblem) {
    if let problem = problem(taking: bytes) { throw FileProblem(problem) }
    used += bytes ?? 0
  }

  /// Takes `count` times `bytes`.
  mutating func take(_ count: Int, times bytes: Int) throws(FileProblem) {
    let (product, overflow) = count.multipliedReportingOverflow(by: bytes)
    try take(overflow ? nil : product)
  }

  /// Counts `bytes` that somebody else has taken.
  mutating func hold(_ bytes: Int) { used = used.addingReportingOverflow(bytes).overflow ? .max : used + bytes }

  // What things take at most. Hash tables have up to 8 slots for 3 values, and half as many more while they grow.

  /// A column: its name in lists and a table, where its field is, and where reading puts it.
  static var bytesPerColumn: Int { 256 }
  /// A value of a column of categories, in a table and in lists.
  static var bytesPerCategory: Int { 128 }

  /// What a string takes beside its place in a list: nothing up to 15 bytes, which lie there.
  static func bytes(besides text: String) -> Int { text.utf8.count > 15 ? 64 + text.utf8.count : 0 }
}

/// What is wrong with a file, before it is named.
struct FileProblem: Error {
  let problem: DataError.Problem

  init(_ problem: DataError.Problem) { self.problem = problem }
}
