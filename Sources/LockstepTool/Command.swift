// What a command is, how one is invoked, and how errors become exit codes. The list of commands is CommandTable.swift.

import Lockstep
import LockstepData

/// A command of the tool.
struct Command: Sendable {
  let name: String
  /// What it does, as a phrase for the list of commands.
  let summary: String
  /// What it does, as sentences for its own help; empty where the summary says it all.
  var details = ""
  /// The operands that it takes, each exactly once, as the help spells them.
  var operands: [String] = []
  /// What stands in the help for any number of operands more; `nil` where there are none.
  var moreOperands: String?
  /// The option that a word too many was probably meant for; `nil` where there is none.
  var optionForMoreOperands: (any OptionDeclaration)?
  /// Its options, without `--help`, which every command has.
  let options: [any OptionDeclaration]
  /// Command lines to start from, each with what it does.
  let examples: [(line: String, does: String)]
  /// Does the work.
  let run: @Sendable (Invocation) throws -> Void
}

/// A command with what it was given.
struct Invocation {
  let command: Command
  private let parsed: ParsedOptions
  /// Where results go.
  let output: Output

  /// - Throws: ``UsageError``.
  init(_ command: Command, words: [String], output: Output) throws {
    self.command = command
    self.output = output
    parsed = try ParsedOptions(words, declared: command.options + [CommonOptions.help])
    guard !parsed[CommonOptions.help] else { return }
    if operands.count < command.operands.count {
      throw UsageError(description: "\(command.operands[operands.count]) is missing", isAboutSyntax: true)
    }
    if command.moreOperands == nil, operands.count > command.operands.count {
      let word = operands[command.operands.count]
      let option = command.optionForMoreOperands.flatMap { isGiven($0) ? nil : $0.name }
      throw UsageError(
        description: "the word '\(word)' is one too many" + (option.map { "; did you mean --\($0) \(word)?" } ?? ""),
        isAboutSyntax: option == nil)
    }
  }

  /// The operands, as many as the command declares, or more where it allows that.
  var operands: [String] { parsed.operands }

  /// The value of an option: the one given, or its default.
  subscript<Value>(option: CommandOption<Value>) -> Value { parsed[option] }

  /// Whether the option was given.
  func isGiven(_ option: any OptionDeclaration) -> Bool { parsed.isGiven(option) }

  /// The value of an option that must be given.
  ///
  /// - Throws: ``UsageError``.
  func required<Value>(_ option: CommandOption<Value?>) throws -> Value {
    guard let value = self[option] else {
      throw UsageError(description: "--\(option.name) \(option.valueName ?? "") is missing", isAboutSyntax: true)
    }
    return value
  }
}

/// Runs a command line, without the program's name.
///
/// - Returns: the exit code: 0 done, 1 failed, 2 not understood, 128 and more ended by a signal.
func runCommandLine(_ words: [String]) -> Int32 {
  let output = Output()
  var speaker = "lockstep"
  do {
    let parsed = try ParsedOptions(words, declared: ToolOptions.all, stopsAtOperand: true)
    if parsed[ToolOptions.version] {
      try output.line("lockstep \(toolVersion)")
    } else if let name = parsed.operands.first, !parsed[CommonOptions.help] {
      let rest = Array(parsed.operands.dropFirst())
      if name == "help" {
        try output.write(helpText(rest))
      } else {
        let command = try command(named: name)
        speaker = "lockstep \(name)"
        let invocation = try Invocation(command, words: rest, output: output)
        if invocation[CommonOptions.help] {
          try output.write(Help.text(for: command))
        } else {
          try command.run(invocation)
        }
      }
    } else if parsed[CommonOptions.help] {
      try output.write(Help.overview)
    } else {
      throw UsageError(description: "a command is missing; `lockstep --help` lists them")
    }
    try output.flush()
    return 0
  } catch OutputError.closed {
    return 0
  } catch {
    // What was found out before the failure is still worth having.
    try? output.flush()
    var sentence = clause(error)
    if case NetworkFileError.network(_, _, .unknownActivation) = error { sentence += ", with --activation" }
    if let error = error as? UsageError, error.isAboutSyntax {
      sentence += "; "
      if speaker == "lockstep" { sentence += "the options of a command follow its name, " }
      sentence += "see `\(speaker) --help`"
    }
    writeToStandardError("\(speaker): \(sentence)\n")
    return exitCode(of: error)
  }
}

/// What an error says, without a full stop.
func clause(_ error: any Error) -> String {
  let sentence = "\(error)"
  return sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
}

/// What `lockstep help WORDS` shows.
private func helpText(_ words: [String]) throws -> String {
  if words.count > 1 {
    throw UsageError(description: "the word '\(words[1])' is one too many; `lockstep help COMMAND` takes one")
  }
  guard let name = words.first, name != "help" else { return Help.overview }
  return Help.text(for: try command(named: name))
}

private func command(named name: String) throws -> Command {
  if let command = commands.first(where: { $0.name == name }) { return command }
  let suggestion = nearestName(to: name, among: commands.map(\.name) + ["help"]).map { "; did you mean \($0)?" }
  throw UsageError(description: "unknown command '\(name)'\(suggestion ?? "; `lockstep --help` lists the commands")")
}

private func exitCode(of error: any Error) -> Int32 {
  switch error {
  case let interruption as Interruption: 128 + interruption.signal
  case is UsageError, BackendError.threads, BackendError.unknownInstructionSetCap: 2
  default: 1
  }
}
