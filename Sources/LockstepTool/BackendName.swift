// What `--backend` names: a kind of backend, or one variant of it.

import ComputeBackend
import Lockstep

/// A kind of backend, alone or with an instruction set.
struct BackendName: Sendable, CustomStringConvertible {
  let kind: BackendKind
  /// `nil` for the best that there is.
  let instructionSet: InstructionSet?

  /// What `openmp` or `openmp/avx2` names; `nil` for any other text.
  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard 1...2 ~= parts.count, let kind = BackendKind(rawValue: parts[0]) else { return nil }
    self.kind = kind
    instructionSet = parts.count == 2 ? InstructionSet(rawValue: parts[1]) : nil
    if parts.count == 2, instructionSet == nil { return nil }
  }

  var description: String { kind.rawValue + (instructionSet.map { "/\($0.rawValue)" } ?? "") }

  /// The end of a sentence: the names of what can run here, empty where nothing can.
  static var whatCanRun: String {
    let names = Backends.names
    return names.isEmpty ? "" : "; what can run here is \(names.joined(separator: ", "))"
  }

  /// Makes the backend.
  ///
  /// - Throws: ``ToolError`` where it cannot run here, `BackendError`.
  func make<Element: NetworkElement>(threads: Int?) throws -> any ComputeBackend<Element> {
    do throws(BackendError) {
      guard let instructionSet else { return try Backends.make(kind, threads: threads) }
      let variant = BackendVariant(kind: kind, instructionSet: instructionSet)
      // A variant itself is made whatever LOCKSTEP_MAX_ISA says.
      if let reason = try Backends.unavailability(of: variant) { throw .unavailable(kind, reason: reason) }
      return try Backends.make(variant, threads: threads)
    } catch {
      guard case .unavailable(_, let reason) = error else { throw error }
      throw ToolError(description: "backend \(self) is not available: \(reason)\(Self.whatCanRun)")
    }
  }
}
