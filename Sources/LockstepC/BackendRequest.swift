// What a caller asks for where a backend is made: a kind or a variant, by its constant or its name. Handles lie in
// BackendHandle.swift.

import CLockstep
import ComputeBackend
import Lockstep

/// What a backend is to be.
enum BackendRequest {
  /// The best variant of a kind; `nil` for the automatic backend.
  case kind(BackendKind?)
  /// A kind with one instruction set.
  case variant(BackendVariant)

  /// What the automatic backend is called.
  static let automaticName = "auto"

  /// Every variant that has a name, whether or not it can run anywhere.
  static let variants = BackendKind.allCases.flatMap { kind in
    InstructionSet.allCases.map { BackendVariant(kind: kind, instructionSet: $0) }
  }

  /// What a name stands for: `auto`, a kind, or a variant as it describes itself.
  init(named name: String) throws(CallError) {
    if name == Self.automaticName {
      self = .kind(nil)
    } else if let kind = BackendKind(rawValue: name) {
      self = .kind(kind)
    } else if let variant = Self.variants.first(where: { $0.description == name }) {
      self = .variant(variant)
    } else {
      throw CallError(
        LOCKSTEP_INVALID_ARGUMENT, "no backend has the name \(name.prefix(100).debugDescription)\(Self.whatCanRun)")
    }
  }

  var name: String {
    switch self {
    case .kind(let kind): kind?.rawValue ?? Self.automaticName
    case .variant(let variant): variant.description
    }
  }

  /// Makes the backend.
  func make<Element: NetworkElement>(
    threads: Int?, as _: Element.Type = Element.self
  ) throws(CallError) -> any ComputeBackend<Element> {
    do throws(BackendError) {
      switch self {
      case .kind(let kind): return try Backends.make(kind, threads: threads)
      case .variant(let variant):
        // A variant itself is made whatever LOCKSTEP_MAX_ISA says.
        if let reason = try Backends.unavailability(of: variant) { throw .unavailable(variant.kind, reason: reason) }
        return try Backends.make(variant, threads: threads)
      }
    } catch {
      guard case .unavailable(_, let reason) = error else { throw CallError(error) }
      throw CallError(LOCKSTEP_UNAVAILABLE, "backend \(name) is not available: \(reason)\(Self.whatCanRun)")
    }
  }

  /// The end of a sentence: the names of all that can run here, empty where nothing can.
  private static var whatCanRun: String {
    let names = Backends.names
    return names.isEmpty ? "" : "; what can run here is \(names.joined(separator: ", "))"
  }
}
