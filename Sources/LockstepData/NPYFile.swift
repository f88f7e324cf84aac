// NPY, the format of numpy.save: a mark, a version, a Python dictionary of type, order and shape as text, the elements (NumPy's
// "NEP 1 — A simple file format for NumPy arrays", 2007).

import CLockstepData

/// The front of an NPY file.
struct NPYHeader {
  /// What each such file begins with.
  static let mark: [UInt8] = [0x93] + Array("NUMPY".utf8)

  let type: lockstep_array_type
  let isBigEndian: Bool
  let isFortranOrder: Bool
  let shape: [Int]
  /// Where the elements start.
  let end: Int

  /// The types of elements by NumPy's letters for them, without the byte order.
  private static let types: [String: lockstep_array_type] = [
    "b1": LOCKSTEP_ARRAY_BOOL, "u1": LOCKSTEP_ARRAY_U8, "i1": LOCKSTEP_ARRAY_I8, "u2": LOCKSTEP_ARRAY_U16,
    "i2": LOCKSTEP_ARRAY_I16, "u4": LOCKSTEP_ARRAY_U32, "i4": LOCKSTEP_ARRAY_I32, "u8": LOCKSTEP_ARRAY_U64,
    "i8": LOCKSTEP_ARRAY_I64, "f4": LOCKSTEP_ARRAY_F32, "f8": LOCKSTEP_ARRAY_F64,
  ]

  /// Reads the front of `bytes`, which begin with ``mark``.
  init(_ bytes: FileBytes) throws(FileProblem) {
    guard bytes.count >= 10 else { throw FileProblem(.badHeader("the file ends within its header")) }
    let version = Int(bytes[6])
    guard (1...3).contains(version) else { throw FileProblem(.unknownVersion(version)) }
    // Little-endian, of two bytes in version 1 and of four since.
    let start = version == 1 ? 10 : 12
    guard bytes.count >= start else { throw FileProblem(.badHeader("the file ends within its header")) }
    let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= bytes.count - start else {
      throw FileProblem(.badHeader("the header claims \(length) bytes, and only \(bytes.count - start) follow"))
    }
    end = start + length
    var text = PythonText(bytes[start..<end])
    (type, isBigEndian, isFortranOrder, shape) = try Self.entries(&text)
  }

  private static func entries(
    _ text: inout PythonText
  ) throws(FileProblem) -> (lockstep_array_type, Bool, Bool, [Int]) {
    var descriptor: String?
    var isFortranOrder: Bool?
    var shape: [Int]?
    try text.expect("{")
    while !text.take("}") {
      let key = try text.string()
      try text.expect(":")
      switch key {
      case "descr" where descriptor == nil:
        // Records have a list of types.
        if text.take("[") { throw FileProblem(.unsupportedType("a record")) }
        descriptor = try text.string()
      case "fortran_order" where isFortranOrder == nil: isFortranOrder = try text.truth()
      case "shape" where shape == nil: shape = try text.tuple()
      default: throw FileProblem(.badHeader("the header has an unknown or repeated entry \(shown(key))"))
      }
      if !text.take(",") {
        try text.expect("}")
        break
      }
    }
    guard text.isAtEnd, let descriptor, let isFortranOrder, let shape else {
      throw FileProblem(.badHeader("the header is no dictionary of descr, fortran_order and shape"))
    }
    guard let order = descriptor.first, "<>|=".contains(order), let type = types[String(descriptor.dropFirst())],
      order != "|" || lockstep_array_element_size(type) == 1
    else { throw FileProblem(.unsupportedType(descriptor)) }
    return (type, order == ">" || order == "=" && Int(bigEndian: 1) == 1, isFortranOrder, shape)
  }
}

/// The little of Python's syntax that headers are written in.
private struct PythonText {
  private var rest: Slice<FileBytes>

  init(_ text: Slice<FileBytes>) { rest = text }

  /// Whether there is nothing but blanks any more.
  var isAtEnd: Bool { rest.allSatisfy(Self.isBlank) }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") }

  private func failure() -> FileProblem {
    FileProblem(.badHeader("the header is not what numpy.save writes"))
  }

  /// Takes `word` and blanks in front of it, where it comes next.
  mutating func take(_ word: String) -> Bool {
    let text = rest.drop(while: Self.isBlank)
    guard text.starts(with: word.utf8) else { return false }
    rest = text.dropFirst(word.utf8.count)
    return true
  }

  mutating func expect(_ word: String) throws(FileProblem) {
    if !take(word) { throw failure() }
  }

  /// A string in quotes, without escapes.
  mutating func string() throws(FileProblem) -> String {
    guard let quote = ["'", "\""].first(where: { take($0) }), let end = rest.firstIndex(of: quote.utf8.first!) else {
      throw failure()
    }
    defer { rest = rest[(end + 1)...] }
    return String(decoding: rest[..<end], as: UTF8.self)
  }

  mutating func truth() throws(FileProblem) -> Bool {
    if take("True") { return true }
    try expect("False")
    return false
  }

  /// Whole numbers in parentheses, one of them followed by a comma.
  mutating func tuple() throws(FileProblem) -> [Int] {
    var numbers: [Int] = []
    try expect("(")
    while !take(")") {
      let text = rest.drop(while: Self.isBlank)
      let digits = text.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      guard !digits.isEmpty else { throw failure() }
      rest = text.dropFirst(digits.count)
      // More than can be counted is more than any file holds.
      numbers.append(Int(String(decoding: digits, as: UTF8.self)) ?? .max)
      // Python 2 wrote large numbers with an L.
      _ = take("L")
      if !take(",") {
        try expect(")")
        break
      }
    }
    return numbers
  }
}

extension NumericArray {
  /// The array of an NPY file, or of a member of an archive.
  ///
  /// - Throws: ``DataError`` where the bytes are none.
  init(npy bytes: FileBytes, file: String, array: String? = nil) throws(DataError) {
    let header: NPYHeader
    do throws(FileProblem) {
      header = try NPYHeader(bytes)
    } catch {
      throw DataError(file: file, array: array, problem: error.problem)
    }
    try self.init(
      file: file, array: array, shape: header.shape, type: header.type, isBigEndian: header.isBigEndian,
      isFortranOrder: header.isFortranOrder, bytes: bytes, start: header.end)
  }
}
