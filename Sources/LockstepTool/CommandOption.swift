// Options as values: what an option is called, takes and allows, declared once for parsing and for help. Parsing lies in
// OptionParser.swift, the options that commands share in CommonOptions.swift.

/// A command line that cannot be followed: one sentence, exit code 2.
struct UsageError: Error, CustomStringConvertible {
  let description: String
  /// Whether the help is the place to look for what would have been right.
  var isAboutSyntax = false
}

/// Work that failed: one sentence, exit code 1.
struct ToolError: Error, CustomStringConvertible {
  let description: String
}

/// What the parser and the help ask of an option, whatever its type.
protocol OptionDeclaration: Sendable {
  /// The long name, without dashes.
  var name: String { get }
  /// The short form, if there is one.
  var letter: Character? { get }
  /// What stands for the value in the help; `nil` for a flag.
  var valueName: String? { get }
  /// Whether the option may be given without its value.
  var isValueOptional: Bool { get }
  /// What the option does, as a phrase.
  var summary: String { get }
  /// What holds where the option is not given; `nil` where there is nothing to say.
  var defaultText: String? { get }

  /// The value that `text` spells, or what is allowed instead.
  func value(of text: String?) throws -> any Sendable
}

/// An option of a command, with the type of its value.
struct CommandOption<Value: Sendable>: OptionDeclaration {
  let name: String
  var letter: Character?
  let valueName: String?
  var isValueOptional = false
  let summary: String
  let defaultText: String?
  /// What holds where the option is not given.
  let defaultValue: Value
  /// What values are allowed, to complete "it must be ...".
  let allowed: String
  /// The value that a text spells (`nil` for an option without a value), or `nil` where it is not allowed.
  let parse: @Sendable (String?) -> Value?

  func value(of text: String?) throws -> any Sendable {
    guard let value = parse(text) else {
      throw UsageError(description: "--\(name) is '\(text ?? "")'; it must be \(allowed)")
    }
    return value
  }
}

extension CommandOption {
  /// Any value that `parse` understands.
  init(
    _ name: String, letter: Character? = nil, valueName: String, summary: String, default defaultValue: Value,
    defaultText: String?, allowed: String, parse: @escaping @Sendable (String) -> Value?
  ) {
    self.init(
      name: name, letter: letter, valueName: valueName, summary: summary, defaultText: defaultText,
      defaultValue: defaultValue, allowed: allowed, parse: { $0.flatMap(parse) })
  }

  /// The same option under another summary, and perhaps another text about what holds without it.
  func summarized(_ summary: String, defaultText: String? = nil) -> CommandOption {
    CommandOption(
      name: name, letter: letter, valueName: valueName, isValueOptional: isValueOptional, summary: summary,
      defaultText: defaultText ?? self.defaultText, defaultValue: defaultValue, allowed: allowed, parse: parse)
  }

  /// The same option, given with or without a value.
  func valueOptional(standingFor value: Value) -> CommandOption {
    let parse = parse
    return CommandOption(
      name: name, letter: letter, valueName: valueName, isValueOptional: true, summary: summary,
      defaultText: defaultText, defaultValue: defaultValue, allowed: allowed,
      parse: { text in text == nil ? value : parse(text) })
  }
}

extension CommandOption<Bool> {
  /// True where it is given.
  static func flag(_ name: String, letter: Character? = nil, summary: String) -> CommandOption {
    CommandOption(
      name: name, letter: letter, valueName: nil, summary: summary, defaultText: nil, defaultValue: false,
      allowed: "given without a value", parse: { _ in true })
  }

  /// `true` or `false`.
  static func boolean(_ name: String, summary: String, default defaultValue: Bool) -> CommandOption {
    CommandOption(
      name, valueName: "true|false", summary: summary, default: defaultValue, defaultText: "\(defaultValue)",
      allowed: "true or false", parse: { Bool($0) })
  }
}

extension CommandOption where Value: FixedWidthInteger {
  /// A whole number within a range.
  static func integer(
    _ name: String, valueName: String = "N", summary: String, in range: ClosedRange<Value>,
    default defaultValue: Value
  ) -> CommandOption {
    CommandOption(
      name, valueName: valueName, summary: summary, default: defaultValue, defaultText: "\(defaultValue)",
      allowed: sentence(for: range), parse: { wholeNumber($0, in: range) })
  }
}

extension CommandOption<Int?> {
  /// A whole number within a range, or nothing where it is not given.
  static func optionalInteger(
    _ name: String, valueName: String = "N", summary: String, in range: ClosedRange<Int>, defaultText: String?
  ) -> CommandOption {
    CommandOption(
      name, valueName: valueName, summary: summary, default: nil, defaultText: defaultText,
      allowed: sentence(for: range), parse: { text in wholeNumber(text, in: range).map { .some($0) } })
  }
}

extension CommandOption where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// One of the names of the cases.
  static func choice(
    _ name: String, letter: Character? = nil, summary: String, default defaultValue: Value
  ) -> CommandOption {
    let names = Value.allCases.map(\.rawValue)
    return CommandOption(
      name, letter: letter, valueName: names.joined(separator: "|"), summary: summary, default: defaultValue,
      defaultText: defaultValue.rawValue, allowed: "one of " + names.joined(separator: ", "),
      parse: { Value(spelling: $0) })
  }
}

extension RawRepresentable where Self: CaseIterable, RawValue == String {
  /// The case of that name, whatever letters of it are capitals.
  init?(spelling name: String) {
    guard let found = Self(rawValue: name) ?? Self.allCases.first(where: { $0.rawValue == name.lowercased() }) else {
      return nil
    }
    self = found
  }
}

extension CommandOption<String?> {
  /// The name of a file; nothing where it is not given.
  static func fileName(
    _ name: String, letter: Character? = nil, valueName: String, summary: String, defaultText: String? = nil
  ) -> CommandOption {
    CommandOption(
      name, letter: letter, valueName: valueName, summary: summary, default: nil, defaultText: defaultText,
      allowed: "the name of a file", parse: { text in text.isEmpty ? nil : .some(text) })
  }
}

private func wholeNumber<Value: FixedWidthInteger>(_ text: String, in range: ClosedRange<Value>) -> Value? {
  guard let value = Value(text), range.contains(value) else { return nil }
  return value
}

private func sentence<Value: FixedWidthInteger>(for range: ClosedRange<Value>) -> String {
  // No limit but that of the machine's integers.
  if range.upperBound == Value(clamping: Int.max) { return "a whole number of at least \(range.lowerBound)" }
  return "a whole number between \(range.lowerBound) and \(range.upperBound)"
}
