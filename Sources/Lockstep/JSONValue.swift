// JSON as it is written: values, and their text on one line with keys in the order given, the same bytes everywhere.

import ComputeBackend

/// A JSON value.
package enum JSONValue {
  case null
  case bool(Bool)
  /// A whole number, written in full.
  case integer(any BinaryInteger & Sendable)
  /// A number's text: see ``number(_:)``.
  case numberText(String)
  case string(String)
  case array([JSONValue])
  /// An object's members in the order in which they are written; made by ``object(_:)``.
  case members([Member])

  /// A member of an object. The compiler does not take a tuple in its place.
  package struct Member {
    let key: String
    let value: JSONValue
  }

  /// An object of these members, written in this order.
  package static func object(_ members: [(key: String, value: JSONValue)]) -> JSONValue {
    .members(members.map { Member(key: $0.key, value: $0.value) })
  }

  /// An object of these members, written in the order of their keys.
  package static func sortedObject(_ members: [String: JSONValue]) -> JSONValue {
    object(members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { ($0.key, $0.value) })
  }

  /// The shortest text that reads back to the same bits; `null` where the value is not finite.
  package static func number<Element: KernelElement>(_ value: Element) -> JSONValue {
    value.isFinite ? .numberText("\(value)") : .null
  }

  /// A string, or `null`.
  package static func string(_ text: String?) -> JSONValue {
    text.map { JSONValue.string($0) } ?? .null
  }

  /// The value on one line.
  package var text: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): value.description
    case .numberText(let text): text
    case .string(let text): Self.quoted(text)
    case .array(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
    case .members(let members):
      "{" + members.map { "\(Self.quoted($0.key)): \($0.value.text)" }.joined(separator: ", ") + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
}
