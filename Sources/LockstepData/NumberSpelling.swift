// How numbers are spelled in text: those that are read, and those that people take for numbers and that are not.

import ComputeBackend

/// What stands before the decimals of a number.
public enum DecimalMark: String, Sendable, CaseIterable {
  /// A point.
  case point = "."
  /// A comma, as spreadsheets write in most of Europe.
  case comma = ","

  /// The character in ASCII.
  var byte: UInt8 { rawValue.utf8.first! }

  /// The number that `text` spells with this mark, rounded to nearest even once; also an infinity, a NaN, or what Swift reads
  /// beyond decimal digits.
  func number<Element: KernelElement>(_ text: String) -> Element? {
    guard let text = withPoint(text) else { return nil }
    return switch Element.precision {
    case .f32: Float(text).map { Element($0) }
    case .f64: Double(text).map { Element($0) }
    }
  }

  /// Whether `text` spells a number in decimal digits with this mark.
  func isNumber(_ text: String) -> Bool {
    guard text.utf8.allSatisfy({ Self.numberBytes.contains($0) || $0 == byte }) else { return false }
    return withPoint(text).flatMap(Double.init) != nil
  }

  private static let numberBytes = Array("0123456789-+eE".utf8)

  /// `text` with a point for the mark; `nil` where a point stands that is no mark.
  private func withPoint(_ text: String) -> String? {
    guard self == .comma else { return text }
    guard !text.utf8.contains(Self.point.byte) else { return nil }
    return String(decoding: text.utf8.map { $0 == byte ? Self.point.byte : $0 }, as: UTF8.self)
  }
}

/// The whole number that `text` spells in decimal digits, with zeros behind a point perhaps, as pandas writes it once a number
/// is missing in the column: `1.0`.
func wholeNumber(_ text: String) -> Int? {
  guard DecimalMark.point.isNumber(text), let number = Double(text) else { return nil }
  // Beyond, neighbours are the same number.
  return number.magnitude < 0x1p53 ? Int(exactly: number) : nil
}

/// A number for people that is none in CSV.
enum NumberSpelling {
  /// `30,5`.
  case decimalComma
  /// `1,234`, whose comma may also part thousands.
  case comma
  /// `1.234`, where decimals follow a comma.
  case point
  /// `1,234.5`, `1.234,5`, `1 234` or `1'234`.
  case thousands
  /// `10%`, `$5`, or a minus sign that is not ASCII.
  case symbol
  /// `'2'`.
  case quotes

  /// How a text that is not read as a number spells one; `nil` where it does not.
  init?(of text: String) {
    // Most text is told from numbers here.
    guard text.utf8.count <= 64, text.utf8.contains(where: isDigit) else { return nil }
    var body = Substring(text)
    var decoration: NumberSpelling?
    if body.count > 2, body.first == "'", body.last == "'" {
      body = body.dropFirst().dropLast()
      decoration = .quotes
    }
    // Signs and symbols stand in front and behind in any order.
    while let first = body.first, !isDigit(first), !",.".contains(first) {
      guard first.isWhitespace || "+-".contains(first) || isSymbol(first) else { return nil }
      if isSymbol(first) { decoration = .symbol }
      body.removeFirst()
    }
    while let last = body.last, !isDigit(last), !",.".contains(last) {
      guard last.isWhitespace || isSymbol(last) else { return nil }
      if isSymbol(last) { decoration = .symbol }
      body.removeLast()
    }
    if let exponent = body.firstIndex(where: { "eE".contains($0) }) {
      guard Int(body[body.index(after: exponent)...]) != nil else { return nil }
      body = body[..<exponent]
    }
    guard body.contains(where: isDigit), let spelling = Self.separators(in: body) else { return nil }
    if decoration == nil, !body.contains(where: { !isDigit($0) }) { return nil }
    self = decoration ?? spelling
  }

  /// What parts the digits of a number; `nil` where they are those of something else.
  private static func separators(in body: Substring) -> NumberSpelling? {
    let marks = body.filter { !isDigit($0) }
    guard let last = marks.last, let place = body.lastIndex(of: last) else { return .thousands }
    let decimals = body[body.index(after: place)...]
    if marks.count == 1, ",.".contains(last) {
      let isGroup = decimals.count == 3 && (1...3).contains(body.distance(from: body.startIndex, to: place))
      return last == "." ? .point : isGroup ? .comma : .decimalComma
    }
    let hasDecimals = ",.".contains(last) && !marks.dropLast().contains(last)
    return isGrouped(body) || hasDecimals && isGrouped(body[..<place]) ? .thousands : nil
  }

  /// Whether the digits are parted by one kind of mark into a group of one to three and others of three.
  private static func isGrouped(_ body: Substring) -> Bool {
    guard let mark = body.first(where: { !isDigit($0) }), ",.'\u{2019}\u{A0}\u{202F} ".contains(mark) else {
      return false
    }
    let groups = body.split(separator: mark, omittingEmptySubsequences: false)
    return (1...3).contains(groups[0].count) && groups.dropFirst().allSatisfy { $0.count == 3 }
      && groups.allSatisfy { $0.allSatisfy(isDigit) }
  }

  /// What is to be done, as the end of a sentence about the text.
  var advice: String {
    switch self {
    case .decimalComma: "which has a decimal comma; say so (for the tool: --decimal ,)"
    case .comma: "which has a comma; leave it out, or say that decimals follow it (for the tool: --decimal ,)"
    case .point: "which has a point; leave it out, or say that decimals follow it (for the tool: no --decimal)"
    case .thousands: "which has separators between thousands; leave them out"
    case .symbol: "which has a symbol beside its digits; leave it out"
    case .quotes: "which is in single quotes; leave them out"
    }
  }
}

private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

private func isDigit(_ character: Character) -> Bool { character.asciiValue.map(isDigit) ?? false }

/// A percent sign, a currency, or a minus sign that typesetters use.
private func isSymbol(_ character: Character) -> Bool {
  "%\u{2030}\u{2212}".contains(character)
    || character.unicodeScalars.first?.properties.generalCategory == .currencySymbol
}
