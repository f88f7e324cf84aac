// Help, made from the same declarations that the parser reads.

/// The texts that `--help` shows.
enum Help {
  private static let width = 100

  /// The list of commands.
  static var overview: String {
    let names = commands.map(\.name) + ["help COMMAND"]
    let summaries = commands.map(\.summary) + ["show what a command does, its options and examples"]
    return """
      lockstep: dense neural networks, the same bits on every backend

      Usage: lockstep COMMAND [OPTIONS]

      Commands:
      \(table(zip(names, summaries).map { ($0, $1) }))
      Options:
      \(table(ToolOptions.all.map { (spelling($0), $0.summary) }))
      `lockstep COMMAND --help` shows the options of a command. A name may be shortened to what no other begins with.

      Exit codes:
      \(table(exitCodes))
      """
  }

  private static let exitCodes: [(left: String, right: String)] = [
    ("0", "done, or nobody reads the results any more, as after `| head`"),
    ("1", "failed, or what was compared differs; standard error says why"),
    ("2", "the command line cannot be followed"),
    (
      "128 and more",
      "ended by a signal, whose number is the rest: 130 by Control-C, 143 by kill; what there was is kept"
    ),
  ]

  /// Usage, options with their defaults, and examples of a command.
  static func text(for command: Command) -> String {
    let options = command.options + [CommonOptions.help]
    let rows = options.map { option in
      (spelling(option), option.summary + (option.defaultText.map { " (default: \($0))" } ?? ""))
    }
    let operands = command.operands + (command.moreOperands.map { [$0] } ?? [])
    let usage = (["lockstep", command.name] + operands + ["[OPTIONS]"]).joined(separator: " ")
    let summary = command.summary.prefix(1).uppercased() + command.summary.dropFirst() + "."
    let details = command.details.isEmpty ? "" : "\n" + wrapped(command.details, indent: 0) + "\n"
    let examples = command.examples.map { "  \($0.line)\n" + wrapped($0.does, indent: 6) }.joined(separator: "\n")
    return """
      \(summary)

      Usage: \(usage)
      \(details)
      Options:
      \(table(rows))
      Examples:
      \(examples)

      """
  }

  /// `-o, --output FILE`.
  private static func spelling(_ option: any OptionDeclaration) -> String {
    let name = (option.letter.map { "-\($0), " } ?? "") + "--\(option.name)"
    guard let valueName = option.valueName else { return name }
    return option.isValueOptional ? "\(name) [\(valueName)]" : "\(name) \(valueName)"
  }

  /// Two columns; a left side that is too long gets a line of its own.
  private static func table(_ rows: [(left: String, right: String)]) -> String {
    let column = min(rows.map(\.left.count).max() ?? 0, 28) + 4
    var text = ""
    for row in rows {
      let right = wrapped(row.right, indent: column)
      if row.left.count + 4 > column {
        text += "  \(row.left)\n\(right)\n"
      } else {
        let start = "  " + row.left
        text += start + right.dropFirst(start.count) + "\n"
      }
    }
    return text
  }

  /// Text in lines of at most ``width`` characters, each indented; its own line breaks are kept.
  private static func wrapped(_ text: String, indent: Int) -> String {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
      var line = margin
      for word in paragraph.split(separator: " ") {
        if line.count + 1 + word.count > width, line.count > indent {
          lines.append(line)
          line = margin
        }
        line += (line.count > indent ? " " : "") + word
      }
      lines.append(line)
    }
    return lines.joined(separator: "\n")
  }
}
