// Training that is asked to stop: it ends after the current step, prints its results and keeps what there is to keep.

#if os(Linux)
  import ComputeBackend
  import Foundation
  import Testing

  @testable import Lockstep

  @Suite struct InterruptionTests {
    static let signals: [(signal: Int32, exitCode: Int32)] = [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)]

    @Test(arguments: signals) func trainKeepsTheModelAsItStands(signal: Int32, exitCode: Int32) throws {
      let folder = try TemporaryFolder()
      let model = folder.file("m.safetensors")
      let words = try trainingArguments(.relu, .f32).with(["--epochs", "100000000", "--model", model])
      guard let run = try interrupted(words, by: signal) else { return }
      #expect(run.exitCode == exitCode)
      #expect(run.errors.contains("interrupted after step "))
      #expect(run.errors.contains(model))
      let object = try #require(try run.objects().last)
      #expect(object["interrupted"] as? Bool == true)
      let network: Network<Float> = try NetworkFile(contentsOf: model).network()
      #expect(object["parameters_digest"] as? String == network.parametersDigest)
      #expect(try #require(object["steps"] as? Int) > 0)
    }

    @Test(arguments: signals) func celsiusPrintsItsResults(signal: Int32, exitCode: Int32) throws {
      let words = ["celsius", "--iterations", "4000000000", "--json"]
      guard let run = try interrupted(words, by: signal) else { return }
      #expect(run.exitCode == exitCode)
      #expect(run.errors.contains("interrupted after step "))
      let object = try #require(try run.objects().last)
      #expect(object["interrupted"] as? Bool == true)
      let steps = try #require(object["steps"] as? Int)
      #expect(steps > 0 && steps < 4_000_000_000)
    }

    /// Who presses a key is answered at once; whoever sends a signal has another way to look.
    @Test(arguments: signals) func theKeyIsAnswered(signal: Int32, exitCode: Int32) throws {
      let words = try trainingArguments(.relu, .f32).with(["--epochs", "100000000"])
      let (process, read) = try Tool.startOnTerminal(words, columns: 80)
      while try !mask("SigCgt", signal, process.processIdentifier) {
        if try mask("SigIgn", signal, process.processIdentifier) {
          kill(process.processIdentifier, SIGKILL)
          return
        }
        usleep(10_000)
      }
      kill(process.processIdentifier, signal)
      let text = read()
      process.waitUntilExit()
      #expect(process.terminationStatus == exitCode)
      let answer = "\r\u{1B}[Klockstep: ending after this step; Control-C again ends at once\r\n"
      #expect(text.components(separatedBy: answer).count - 1 == (signal == SIGINT ? 1 : 0), "\(text)")
      #expect(text.contains("interrupted after step "), "\(text)")
    }

    @Test(arguments: signals) func benchmarkSaysSo(signal: Int32, exitCode: Int32) throws {
      for words in [["--network", "1024-2048-2048-1024", "--batch", "2000"], ["price"]] {
        guard let run = try interrupted(["benchmark"] + words, by: signal) else { return }
        #expect(run.exitCode == exitCode)
        #expect(run.errors.hasSuffix("lockstep benchmark: interrupted\n"), "\(run.errors)")
      }
    }

    /// A run of the tool that gets a signal once it is ready for it; `nil` where the tests were told to ignore it.
    private func interrupted(_ words: [String], by signal: Int32) throws -> ToolResult? {
      let process = Process()
      process.executableURL = Tool.executable
      process.arguments = words
      let (output, errors) = (Pipe(), Pipe())
      process.standardOutput = output
      process.standardError = errors
      try process.run()
      while try !mask("SigCgt", signal, process.processIdentifier) {
        if try mask("SigIgn", signal, process.processIdentifier) {
          kill(process.processIdentifier, SIGKILL)
          return nil
        }
        usleep(10_000)
      }
      kill(process.processIdentifier, signal)
      // Read before it is waited for: a full pipe would keep it from ending.
      let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      return ToolResult(exitCode: process.terminationStatus, output: text, errors: complaints)
    }

    /// Whether the signal is in one of the sets of signals that the system keeps of a process.
    private func mask(_ name: String, _ signal: Int32, _ process: Int32) throws -> Bool {
      let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(name):") })
      let bits = try #require(UInt64(line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces), radix: 16))
      return bits >> UInt64(signal - 1) & 1 == 1
    }
  }
#endif
