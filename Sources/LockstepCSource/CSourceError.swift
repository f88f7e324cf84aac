// The names that C allows, and the sentence about one that it does not.

/// A name that the functions of a C file cannot have.
public struct CSourceError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What the name was to be.
  public let name: String
  /// What is wrong with it.
  public let problem: Problem

  /// What can be wrong with a name.
  public enum Problem: Sendable, Equatable {
    /// It is no letter followed by letters, digits and underscores.
    case noIdentifier
    /// It is a word of the language.
    case keyword
  }

  public var description: String {
    switch problem {
    case .noIdentifier:
      "the name \(name.debugDescription) is no C identifier; take a letter, then letters, digits and underscores."
    case .keyword: "the name \(name) is a keyword of C; take another."
    }
  }

  /// Whether names in a C file may begin with `name`.
  public static func allows(_ name: String) -> Bool { problem(of: name) == nil }

  /// What keeps `name` from beginning the names of functions. A leading underscore is refused too, as C keeps such names
  /// for itself.
  static func problem(of name: String) -> Problem? {
    func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }
    func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    guard let first = name.utf8.first, isLetter(first),
      name.utf8.allSatisfy({ isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") })
    else { return .noIdentifier }
    return keywords.contains(name[...]) ? .keyword : nil
  }

  /// Those of every version of C up to C23, as far as they begin with a letter.
  private static let keywords: Set<Substring> = Set(
    """
    alignas alignof auto bool break case char const constexpr continue default do double else enum extern false float for \
    goto if inline int long nullptr register restrict return short signed sizeof static static_assert struct switch \
    thread_local true typedef typeof typeof_unqual union unsigned void volatile while
    """.split(separator: " "))
}
