// The one list of backends: what this build and this CPU can run, and why the rest cannot. Command line, tests and
// benchmarks choose from it. What a backend does lies in the backends' own modules.

import CLockstepCPU
import ComputeBackend
import FoundationEssentials
import OpenMPBackend
import SIMDBackend
import ScalarBackend

/// An element type that every backend has kernels for: `Float` or `Double`.
public typealias NetworkElement = KernelElement & SIMDElement

/// A backend together with the instruction set of its kernels.
public struct BackendVariant: Sendable, Hashable, CustomStringConvertible {
  /// What kind of backend it is.
  public let kind: BackendKind
  /// The instruction set of the kernels that run.
  public let instructionSet: InstructionSet

  /// A variant, which need not be one that can run here.
  public init(kind: BackendKind, instructionSet: InstructionSet) {
    self.kind = kind
    self.instructionSet = instructionSet
  }

  /// `kind/instruction set`, as in `openmp/avx2`; `scalar` alone for the scalar backend.
  public var description: String {
    kind == .scalar ? kind.rawValue : "\(kind.rawValue)/\(instructionSet.rawValue)"
  }
}

/// Why a backend cannot be had.
public enum BackendError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind cannot run here; the reason is a sentence that says what to do.
  case unavailable(BackendKind, reason: String)
  /// The number of threads is below 1 or above ``Backends/maximumThreads``.
  case threads(Int)
  /// The environment variable `LOCKSTEP_MAX_ISA` names no instruction set of this architecture.
  case unknownInstructionSetCap(String)

  public var description: String {
    switch self {
    case .unavailable(let kind, let reason): "backend \(kind.rawValue) is not available: \(reason)"
    case .threads(let threads):
      "the number of threads is \(threads); it must lie between 1 and \(Backends.maximumThreads)"
    case .unknownInstructionSetCap(let value):
      "LOCKSTEP_MAX_ISA is '\(value)'; it must be one of "
        + InstructionSetCap.names.joined(separator: ", ")
    }
  }
}

/// The cap on instruction sets that the environment variable `LOCKSTEP_MAX_ISA` sets.
enum InstructionSetCap {
  /// The instruction sets of this architecture, from narrow to wide.
  #if arch(x86_64)
    static let ladder: [InstructionSet] = [.scalar, .avx2, .avx512]
  #else
    static let ladder: [InstructionSet] = [.scalar, .neon]
  #endif

  static var names: [String] { ladder.map(\.rawValue) }

  /// The widest instruction set allowed.
  static func current() throws(BackendError) -> InstructionSet {
    guard let value = ProcessInfo.processInfo.environment["LOCKSTEP_MAX_ISA"], !value.isEmpty else {
      return ladder[ladder.count - 1]
    }
    guard let cap = ladder.first(where: { $0.rawValue == value }) else {
      throw .unknownInstructionSetCap(value)
    }
    return cap
  }

  static func allows(_ instructionSet: InstructionSet, cap: InstructionSet) -> Bool {
    ladder.prefix { $0 != cap }.contains(instructionSet) || instructionSet == cap
  }
}

/// The backends of this build on this CPU.
public enum Backends {
  /// The largest number of threads that may be asked for.
  public static let maximumThreads = 1024

  /// The feature of the minimum CPU (x86-64-v3, any arm64) that this CPU lacks; `nil` where it has them all.
  public static var missingCPUFeature: String? {
    lockstep_cpu_missing_feature().map { String(cString: $0) }
  }

  /// The variants that can run here, in order of preference, capped by `LOCKSTEP_MAX_ISA`.
  ///
  /// - Throws: ``BackendError/unknownInstructionSetCap(_:)``.
  public static func available() throws(BackendError) -> [BackendVariant] {
    let cap = try InstructionSetCap.current()
    return BackendKind.allCases.reversed().flatMap { kind in
      instructionSets(of: kind)
        .filter { InstructionSetCap.allows($0, cap: cap) }
        .map { BackendVariant(kind: kind, instructionSet: $0) }
    }
  }

  /// The names of what can run here: `auto`, each kind, and each variant; none where `LOCKSTEP_MAX_ISA` names no instruction set.
  package static var names: [String] {
    guard let variants = try? available(), !variants.isEmpty else { return [] }
    return variants.reduce(into: ["auto"]) { names, variant in
      for name in [variant.kind.rawValue, variant.description] where !names.contains(name) { names.append(name) }
    }
  }

  /// Why no variant of `kind` can run here, as one sentence that says what to do; `nil` where one can.
  ///
  /// - Throws: ``BackendError/unknownInstructionSetCap(_:)``.
  public static func unavailability(of kind: BackendKind) throws(BackendError) -> String? {
    if let feature = missingCPUFeature {
      return "this CPU lacks \(feature); Lockstep needs x86-64-v3 (AVX2 and FMA) or arm64"
    }
    if kind == .openmp, let reason = OpenMPSupport.unavailability { return reason }
    if try available().contains(where: { $0.kind == kind }) { return nil }
    return "LOCKSTEP_MAX_ISA allows none of its instruction sets ("
      + instructionSets(of: kind).map(\.rawValue).joined(separator: ", ") + ")"
  }

  /// Why `variant` cannot run here, as one sentence; `nil` where it can.
  ///
  /// - Throws: ``BackendError/unknownInstructionSetCap(_:)``.
  package static func unavailability(of variant: BackendVariant) throws(BackendError) -> String? {
    if let reason = try unavailability(of: variant.kind) { return reason }
    if try available().contains(variant) { return nil }
    return instructionSets(of: variant.kind).contains(variant.instructionSet)
      ? "LOCKSTEP_MAX_ISA does not allow \(variant.instructionSet.rawValue)"
      : "it has no kernels for \(variant.instructionSet.rawValue) that this CPU can run"
  }

  /// The version of OpenMP that this build was made with, as its `_OPENMP` macro gives it (201811 is OpenMP 5.0), or
  /// `nil` for a build without.
  public static var openMPVersion: Int? { OpenMPSupport.version }

  /// Makes a backend.
  ///
  /// - Parameters:
  ///   - kind: which; `nil` for an ``AutomaticBackend``, which races all of ``available()`` but the scalar one.
  ///   - threads: how many threads it may use, from 1 to ``maximumThreads``; `nil` for `OMP_NUM_THREADS`, or one a core. Scalar and
  ///     SIMD run on one, whatever is allowed.
  ///   - elementType: what it computes in, where the result's type does not say.
  /// - Throws: ``BackendError``; a kind that cannot run is never replaced by another.
  public static func make<Element: NetworkElement>(
    _ kind: BackendKind? = nil, threads: Int? = nil, as elementType: Element.Type = Element.self
  ) throws(BackendError) -> any ComputeBackend<Element> {
    let variants = try available()
    guard let variant = variants.first(where: { kind == nil || $0.kind == kind }) else {
      let kind = kind ?? .scalar
      throw .unavailable(kind, reason: try unavailability(of: kind) ?? "no variant of it runs on this CPU")
    }
    let preferred: any ComputeBackend<Element> = try make(variant, threads: threads)
    guard kind == nil else { return preferred }
    var candidates: [any ComputeBackend<Element>] = []
    for variant in variants where variant.kind != .scalar || variants.count == 1 {
      for count in variant.kind == .openmp ? raced(upTo: preferred.threads) : [1] {
        candidates.append(try make(variant, threads: count))
      }
    }
    return AutomaticBackend(candidates: candidates)
  }

  /// The numbers of threads that race where `most` are allowed: `most`, and every power of two below it.
  private static func raced(upTo most: Int) -> [Int] {
    var counts = [most]
    var count = 1 << (Int.bitWidth - 1 - most.leadingZeroBitCount)
    while count > 0 {
      if count < most { counts.append(count) }
      count /= 2
    }
    return counts
  }

  /// Makes a variant that ``available()`` lists.
  ///
  /// - Parameters:
  ///   - variant: a backend and the instruction set of its kernels.
  ///   - threads: how many threads it may use, from 1 to ``maximumThreads``; `nil` for `OMP_NUM_THREADS`, or
  ///     one a core.
  ///   - elementType: what it computes in, where the result's type does not say.
  /// - Throws: ``BackendError``.
  public static func make<Element: NetworkElement>(
    _ variant: BackendVariant, threads: Int? = nil, as elementType: Element.Type = Element.self
  ) throws(BackendError) -> any ComputeBackend<Element> {
    let threads = threads ?? defaultThreads(of: variant.kind)
    guard 1...maximumThreads ~= threads else { throw .threads(threads) }
    let backend: (any ComputeBackend<Element>)? = candidate(variant, threads: threads)
    guard let backend, backend.instructionSet == variant.instructionSet else {
      throw .unavailable(
        variant.kind,
        reason: try unavailability(of: variant)
          ?? "it has no kernels for \(variant.instructionSet.rawValue) that this CPU can run")
    }
    return backend
  }

  /// How many threads a backend takes where nobody says.
  private static func defaultThreads(of kind: BackendKind) -> Int {
    // OpenMP's run-time library is asked only for its own backend, as it starts when it is asked.
    let threads = kind == .openmp ? OpenMPSupport.defaultThreads : 1
    return min(max(threads, 1), maximumThreads)
  }

  private static func candidate<Element: NetworkElement>(
    _ variant: BackendVariant, threads: Int
  ) -> (any ComputeBackend<Element>)? {
    // Asked here, in code for any CPU, before anything that is compiled for the minimum CPU runs.
    guard missingCPUFeature == nil else { return nil }
    return switch variant.kind {
    case .scalar: ScalarBackend<Element>()
    case .simd: SIMDBackend<Element>()
    case .openmp: OpenMPBackend<Element>(threads: threads, instructionSet: variant.instructionSet)
    }
  }

  /// The instruction sets that the kernels of `kind` can run with here, best first.
  private static func instructionSets(of kind: BackendKind) -> [InstructionSet] {
    guard missingCPUFeature == nil else { return [] }
    switch kind {
    case .scalar: return [.scalar]
    case .simd: return SIMDBackend<Float>().map { [$0.instructionSet] } ?? []
    case .openmp: return OpenMPSupport.instructionSets
    }
  }
}
