// The options that several commands share, and what is made of them.

import ComputeBackend
import Lockstep

/// Options shared by commands.
enum CommonOptions {
  /// The backend asked for; `nil` lets the library choose.
  static let backend = CommandOption<BackendName?>(
    "backend", valueName: (BackendKind.allCases.map(\.rawValue) + ["auto"]).joined(separator: "|"),
    summary: "what computes, also with an instruction set as in openmp/avx2; the results are the same bits",
    default: nil, defaultText: "auto",
    allowed: "one of " + (BackendKind.allCases.map(\.rawValue) + ["auto"]).joined(separator: ", ")
      + ", also with an instruction set as in openmp/avx2" + BackendName.whatCanRun,
    parse: { $0 == "auto" ? .some(nil) : BackendName($0).map { .some($0) } })

  /// The most threads that may be used; `nil` for one a core.
  static let threads = CommandOption.optionalInteger(
    "threads", summary: "the most threads to use; scalar and simd use one", in: 1...Backends.maximumThreads,
    defaultText: "one a core")

  /// What is computed in.
  static let precision = CommandOption<Precision>.choice(
    "precision", summary: "the arithmetic: 32-bit or 64-bit floating point", default: .f32)

  /// The size of training's steps.
  static func learningRate(default defaultValue: Double) -> CommandOption<Double> {
    CommandOption(
      "learning-rate", valueName: "X", summary: "the factor of the gradient in each step", default: defaultValue,
      defaultText: "\(defaultValue)", allowed: "a finite number of at least 0",
      parse: { Double($0).flatMap { $0.isFinite && $0 >= 0 ? $0 : nil } })
  }

  /// Results as JSON.
  static let json = CommandOption.flag("json", summary: "one JSON object a line on standard output, nothing else there")

  /// Help; the parser adds it to every command.
  static let help = CommandOption.flag("help", letter: "h", summary: "show this help")

  /// What every command that computes takes.
  static let computing: [any OptionDeclaration] = [backend, threads, precision, json]
}

extension Invocation {
  /// Tells of something that does not keep the command from its work, on standard error.
  func warn(_ sentence: String) {
    writeToStandardError("lockstep \(command.name): warning: \(sentence)\n")
  }

  /// Warns of results that are no finite numbers.
  ///
  /// - Parameter what: the results, as a noun in the plural.
  func warn<Element: KernelElement>(ofNotFinite what: String, in values: [Element]) {
    let count = values.count { !$0.isFinite }
    if count > 0 { warn("\(count) of \(values.count) \(what) \(count == 1 ? "is" : "are") NaN or infinite") }
  }

  /// Whether results are JSON.
  var isJSON: Bool { self[CommonOptions.json] }

  /// The backend that `--backend` and `--threads` ask for.
  ///
  /// - Throws: ``ToolError`` where it cannot run here, `BackendError`.
  func makeBackend<Element: NetworkElement>(as _: Element.Type = Element.self) throws -> any ComputeBackend<Element> {
    let threads = self[CommonOptions.threads]
    guard let name = self[CommonOptions.backend] else { return try Backends.make(threads: threads) }
    return try name.make(threads: threads)
  }
}

/// Refuses numbers that have no meaning in the precision of training.
///
/// - Throws: ``UsageError``.
func checkHyperparameters(
  _ schedule: TrainingSchedule, _ method: TrainingMethod = .gradientDescent, in precision: Precision
) throws {
  do throws(HyperparameterError) {
    try method.check(in: precision)
    try schedule.check(in: precision)
  } catch {
    let option = error.name.hasPrefix("beta") ? "betas" : error.name.map { $0 == " " ? "-" : String($0) }.joined()
    throw UsageError(description: "--\(option) is \(error.value); it \(error.requirement)")
  }
}

extension BackendChoice {
  /// The JSON members that say what computed.
  var jsonMembers: KeyValuePairs<String, JSONValue> {
    [
      "backend": .string(candidate.variant.kind.rawValue), "threads": .integer(candidate.threads),
      "isa": .string(candidate.variant.instructionSet.rawValue), "precision": .string(precision.rawValue),
    ]
  }

  /// What computes and in what, for people: `openmp/avx2, 2 threads, f32`.
  var summary: String {
    "\(candidate.variant), \(counted(candidate.threads, "thread")), \(precision.rawValue)"
  }
}
