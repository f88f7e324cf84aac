// From the words of a command line to typed values, through the C library's getopt_long.

import CGetopt
import LockstepData

/// The options and operands that a command was given.
struct ParsedOptions {
  private var values: [String: any Sendable] = [:]
  /// The words that are not options.
  private(set) var operands: [String] = []

  /// The value of an option: the one given, or its default.
  subscript<Value>(option: CommandOption<Value>) -> Value {
    values[option.name] as? Value ?? option.defaultValue
  }

  /// Whether the option was given.
  func isGiven(_ option: any OptionDeclaration) -> Bool {
    values[option.name] != nil
  }

  /// Reads `words`; operands may stand among the options unless `stopsAtOperand`. Names may be shortened, as getopt_long allows, to
  /// what no other begins with.
  ///
  /// - Throws: ``UsageError``, also where an option has two values.
  init(_ words: [String], declared options: [any OptionDeclaration], stopsAtOperand: Bool = false) throws {
    let parser = lockstep_getopt_create()
    defer { lockstep_getopt_destroy(parser) }
    var isComplete = parser != nil
    for option in options {
      let argument =
        option.valueName == nil
        ? LOCKSTEP_GETOPT_NO_ARGUMENT
        : option.isValueOptional ? LOCKSTEP_GETOPT_OPTIONAL_ARGUMENT : LOCKSTEP_GETOPT_ARGUMENT
      let letter = CChar(option.letter?.asciiValue ?? 0)
      isComplete = isComplete && lockstep_getopt_add_option(parser, option.name, letter, argument)
    }
    for word in words { isComplete = isComplete && lockstep_getopt_add_word(parser, word) }
    guard isComplete else { throw ToolError(description: "there is not enough memory for the command line") }

    while true {
      let found = lockstep_getopt_next(parser, stopsAtOperand)
      switch found.status {
      case LOCKSTEP_GETOPT_FOUND:
        let option = options[Int(found.option)]
        // Nobody can tell which of two values is meant.
        if option.valueName != nil, isGiven(option) {
          throw UsageError(description: "--\(option.name) is given twice; give it once")
        }
        values[option.name] = try option.value(of: found.argument.map { String(cString: $0) })
      case LOCKSTEP_GETOPT_MISSING_ARGUMENT:
        let option = options[Int(found.option)]
        throw UsageError(description: "--\(option.name) needs a value: --\(option.name) \(option.valueName ?? "")")
      case LOCKSTEP_GETOPT_UNEXPECTED_ARGUMENT:
        throw UsageError(description: "--\(options[Int(found.option)].name) takes no value")
      case LOCKSTEP_GETOPT_UNKNOWN:
        throw Self.unknown(String(cString: found.word), among: options)
      default:
        var index: Int32 = 0
        while let operand = lockstep_getopt_operand(parser, index) {
          operands.append(String(cString: operand))
          index += 1
        }
        return
      }
    }
  }

  private static func unknown(_ word: String, among options: [any OptionDeclaration]) -> UsageError {
    guard word.hasPrefix("--") else {
      return UsageError(description: "unknown option \(word)", isAboutSyntax: true)
    }
    let name = String(word.dropFirst(2).prefix { $0 != "=" })
    let begun = options.map(\.name).filter { $0.hasPrefix(name) }
    if begun.count > 1 {
      return UsageError(
        description: "option --\(name) may mean " + begun.map { "--\($0)" }.joined(separator: " or "))
    }
    let names = options.map(\.name)
    guard let meant = names.first(where: { initials(of: $0) == name }) ?? nearestName(to: name, among: names) else {
      return UsageError(description: "unknown option --\(name)", isAboutSyntax: true)
    }
    return UsageError(description: "unknown option --\(name); did you mean --\(meant)?")
  }
}

/// `lr` of `learning-rate`, which other programs call so.
private func initials(of name: String) -> String { String(name.split(separator: "-").compactMap(\.first)) }
