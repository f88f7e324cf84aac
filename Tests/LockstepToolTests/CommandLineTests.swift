// How the tool takes its words and how it ends: help, suggestions, bad values, exit codes, standard output that fails.

import ComputeBackend
import Foundation
import Testing

@testable import Lockstep

/// The commands, as the tool itself lists them.
private func commandNames() throws -> [String] {
  let lines = try Tool.run("--help").output.split(separator: "\n", omittingEmptySubsequences: false)
  let start = try #require(lines.firstIndex(of: "Commands:")) + 1
  let end = try #require(lines[start...].firstIndex(of: ""))
  return lines[start..<end].compactMap { $0.split(separator: " ").first.map(String.init) }.filter { $0 != "help" }
}

@Suite struct HelpTests {
  @Test func everyCommandExplainsItself() throws {
    let names = try commandNames()
    #expect(Set(["celsius", "info", "verify"]).isSubset(of: names))
    for name in names {
      let help = try Tool.run(name, "--help")
      #expect(help.exitCode == 0)
      #expect(help.errors.isEmpty)
      for part in ["Usage: lockstep \(name)", "\nOptions:\n", "--json", "--help", "\nExamples:\n  "] {
        #expect(help.output.contains(part), "the help of \(name) lacks \(part)")
      }
      #expect(try Tool.run("help", name).output == help.output)
      #expect(try Tool.run(name, "-h").output == help.output)
      // A command line to copy is left in one piece.
      let text = help.lines.filter { !$0.hasPrefix("  lockstep ") }
      #expect(text.allSatisfy { $0.count <= 100 }, "the help of \(name) has a line of more than 100 letters")
    }
  }

  @Test func defaultsAreShown() throws {
    // However the lines are broken.
    let help = try Tool.run("celsius", "--help").output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    for part in ["(default: 2000)", "(default: 0.0001)", "(default: auto)", "(default: f32)", "(default: one a core)"] {
      #expect(help.contains(part))
    }
  }

  @Test func namesMayBeShortenedAsTheOverviewSays() throws {
    #expect(try Tool.run("--help").output.contains("A name may be shortened to what no other begins with."))
    #expect(try Tool.run("celsius", "--iter", "3", "--js").object()["steps"] as? Int == 3)
  }

  @Test func exitCodesAreTold() throws {
    let lines = try Tool.run("--help").lines
    let codes = try #require(lines.firstIndex(of: "Exit codes:"))
    for (line, code) in zip(lines[(codes + 1)...], ["0", "1", "2", "128 and more"]) {
      #expect(line.hasPrefix("  \(code)  "), "\(line)")
    }
    #expect(lines[codes...].allSatisfy { $0.count <= 100 })
  }

  @Test func namesMayHaveCapitals() throws {
    let words = ["celsius", "--iterations", "3", "--json", "--precision"]
    #expect(try Tool.run(words + ["F64"]).object()["precision"] as? String == "f64")
    let help = try Tool.run("train", "--help").output
    #expect(help.contains("mse|bce|cross-entropy|mae|huber"))
  }

  @Test func versionIsOneLine() throws {
    let version = try Tool.run("--version")
    #expect(version.exitCode == 0)
    #expect(version.lines.count == 1 && version.output.hasPrefix("lockstep "))
  }

  @Test func helpWinsOverWhatIsMissing() throws {
    #expect(try Tool.run("help").output == Tool.run("--help").output)
    #expect(try Tool.run("help", "help").output == Tool.run("--help").output)
    #expect(try Tool.run("celsius", "--iterations", "5", "--help").exitCode == 0)
  }
}

@Suite struct UsageTests {
  /// Command lines that cannot be followed, with what the one sentence about them says.
  static let mistakes: [(words: [String], says: String)] = [
    ([], "a command is missing"),
    (["celcius"], "did you mean celsius?"),
    (["trian"], "did you mean train?"),
    (["celsius", "--lr", "1"], "did you mean --learning-rate?"),
    (["--nonsense"], "unknown option --nonsense; the options of a command follow its name, see `lockstep --help`"),
    (["--json", "celsius"], "the options of a command follow its name"),
    (["help", "train", "extra"], "the word 'extra' is one too many"),
    (["help", "nothing"], "unknown command 'nothing'"),
    (["celsius", "--iteratoins", "5"], "did you mean --iterations?"),
    (["celsius", "-q"], "unknown option -q; see `lockstep celsius --help`"),
    (["celsius", "--zq"], "unknown option --zq; see `lockstep celsius --help`"),
    (["celsius", "--s", "5"], "--s may mean --seed or --samples"),
    (["celsius", "word"], "the word 'word' is one too many; see `lockstep celsius --help`"),
    (["celsius", "--json=yes"], "--json takes no value"),
    (["celsius", "--seed"], "--seed needs a value"),
    (["celsius", "--seed", "-1"], "--seed is '-1'; it must be a whole number between 0 and 18446744073709551615"),
    (["celsius", "--threads", "0"], "--threads is '0'; it must be a whole number between 1 and 1024"),
    (["celsius", "--threads", "-2"], "--threads is '-2'"),
    (["celsius", "--threads", "1025"], "--threads is '1025'"),
    (["celsius", "--threads", "99999999999999999999"], "--threads is '99999999999999999999'"),
    (["celsius", "--threads", "two"], "--threads is 'two'"),
    (["celsius", "--backend", "gpu"], "--backend is 'gpu'; it must be one of scalar, simd, openmp, auto"),
    (["celsius", "--precision", "f16"], "--precision is 'f16'; it must be one of f32, f64"),
    (["celsius", "--learning-rate", "nan"], "--learning-rate is 'nan'; it must be a finite number"),
    (["celsius", "--learning-rate", "inf"], "--learning-rate is 'inf'"),
    (["celsius", "--learning-rate", "0,1"], "--learning-rate is '0,1'"),
    (["celsius", "--learning-rate", ""], "--learning-rate is ''"),
    (["celsius", "--iterations", "-1"], "--iterations is '-1'"),
    (["celsius", "--learning-rate", "-1"], "--learning-rate is '-1'; it must be a finite number of at least 0"),
    (["celsius", "--learning-rate", "1e60"], "--learning-rate is 1e+60; it must not become inf when it"),
    (["celsius", "--learning-rate", "1e-60"], "--learning-rate is 1e-60; it must not become 0.0"),
    (["celsius", "--iterations", "3", "--iterations", "5"], "--iterations is given twice; give it once"),
    (["celsius", "--seed=3", "--se", "3"], "--seed is given twice"),
    (["celsius", "--backend", "openmp/avx9"], "as in openmp/avx2; what can run here is auto, "),
    (["celsius", "--samples", "1"], "--samples is '1'"),
    (["celsius", "--samples", "1000001"], "it must be a whole number between 2 and 1000000"),
    (["celsius", "--trace=0"], "--trace is '0'"),
    (["celsius", "--plot", "picture.jpg"], "ends in .svg, .png or .pdf"),
    (["celsius", "--plot", "-", "--json"], "--plot - and --json"),
    (["verify", "--backend", "scalar"], "unknown option --backend"),
  ]

  @Test(arguments: mistakes.indices) func mistakesGetOneSentence(index: Int) throws {
    let (words, says) = Self.mistakes[index]
    let result = try Tool.run(words)
    #expect(result.exitCode == 2)
    #expect(result.output.isEmpty)
    #expect(result.errors.contains(says), "\(words) gave: \(result.errors)")
    let speaker = ["celsius", "verify"].contains(words.first) ? "lockstep \(words[0]): " : "lockstep: "
    #expect(result.errors.hasPrefix(speaker))
    #expect(result.errors.split(separator: "\n").count == 1)
  }

  @Test func unknownInstructionSetIsAMistake() throws {
    for command in ["celsius", "info", "verify"] {
      let result = try Tool.run(command, environment: ["LOCKSTEP_MAX_ISA": "nonsense"])
      #expect(result.exitCode == 2)
      #expect(result.output.isEmpty)
      #expect(result.errors.contains("LOCKSTEP_MAX_ISA is 'nonsense'; it must be one of scalar"))
    }
  }

  @Test func aBackendThatTheCapForbidsIsNotReplaced() throws {
    let result = try Tool.run(
      "celsius", "--backend", "simd", "--iterations", "1", environment: ["LOCKSTEP_MAX_ISA": "scalar"])
    #expect(result.exitCode == 1)
    #expect(result.output.isEmpty)
    #expect(result.errors.contains("backend simd is not available"))
  }
}

@Suite struct BackendNameTests {
  private static let words = ["celsius", "--iterations", "3", "--json"]

  @Test func aVariantIsNamedWithItsInstructionSet() throws {
    var digests: Set<String> = []
    for variant in try Backends.available() {
      let object = try Tool.run(Self.words + ["--backend", variant.description]).object()
      #expect(object["backend"] as? String == variant.kind.rawValue)
      #expect(object["isa"] as? String == variant.instructionSet.rawValue)
      digests.insert(try #require(object["parameters_digest"] as? String))
    }
    #expect(digests.count == 1)
  }

  @Test func whatCannotRunIsToldWithWhatCan() throws {
    let available = try Backends.available()
    let variants = BackendKind.allCases.flatMap { kind in
      InstructionSet.allCases.map { BackendVariant(kind: kind, instructionSet: $0) }
    }
    for variant in variants where variant.kind != .scalar && !available.contains(variant) {
      let result = try Tool.run(Self.words + ["--backend", variant.description])
      #expect(result.exitCode == 1)
      #expect(result.errors.contains("backend \(variant) is not available: "), "\(result.errors)")
      #expect(result.errors.contains("; what can run here is auto, "), "\(result.errors)")
      for variant in available { #expect(result.errors.contains(variant.description)) }
    }
  }
}

@Suite struct StandardOutputTests {
  @Test func aReaderThatHasGoneIsNoError() throws {
    for words in [["--help"], ["info"], ["celsius", "--trace=200", "--samples", "500"]] {
      let result = try Tool.run(words, to: .closedPipe)
      #expect(result.exitCode == 0)
      #expect(result.errors.isEmpty)
    }
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func aFullDiskIsAnError() throws {
    let folder = try TemporaryFolder()
    let model = folder.file("m.safetensors")
    let data = try folder.write("d.csv", "x,y\n1,2\n2,3\n")
    _ = try Tool.run("train", data, "--target", "y", "--epochs", "0", "--model", model)
    for words in [["--help"], ["info"], ["celsius", "--iterations", "5"], ["predict", model, data]] {
      let result = try Tool.run(words, to: .file("/dev/full"))
      #expect(result.exitCode == 1)
      #expect(result.errors.contains("standard output could not be written"))
    }
  }
}
