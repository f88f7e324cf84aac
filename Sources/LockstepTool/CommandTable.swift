// The commands of the tool, in the order in which the help lists them: one file for each.

import CLockstep

/// Every command but `help`.
let commands: [Command] = [
  celsiusCommand,
  trainCommand,
  predictCommand,
  evaluateCommand,
  gradientsCommand,
  inspectCommand,
  reproduceCommand,
  exportCommand,
  infoCommand,
  verifyCommand,
  benchmarkCommand,
]

/// The options that `lockstep` itself takes.
enum ToolOptions {
  static let version = CommandOption.flag("version", summary: "show the version")
  static let all: [any OptionDeclaration] = [CommonOptions.help, version]
}

/// The version of the tool and the library.
let toolVersion = LOCKSTEP_VERSION
