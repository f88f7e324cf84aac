// What the automatic backend has chosen for a network, and why. The backends lie in BackendHandle.swift.

// Functions and parameters are called as in lockstep.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CLockstep
import ComputeBackend
import Lockstep

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_backend_choice(
  _ network: OpaquePointer?, _ rows: Int64, _ work: Int32, _ kind: UnsafeMutablePointer<Int32>?,
  _ threads: UnsafeMutablePointer<Int32>?, _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ decided: UnsafeMutablePointer<Int32>?
) -> lockstep_status {
  status { () throws(CallError) in
    let choice = try choice(network, rows: rows, work: work)
    kind?.pointee = Constants.constant(for: choice.candidate.variant.kind, in: Constants.backends)
    threads?.pointee = Int32(choice.candidate.threads)
    name?.pointee = VariantNames.pointer(choice.candidate.variant)
    decided?.pointee = choice.isDecided ? 1 : 0
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_explain_backend(
  _ network: OpaquePointer?, _ rows: Int64, _ work: Int32, _ explanation: UnsafeMutablePointer<CChar>?, _ size: Int,
  _ needed: UnsafeMutablePointer<Int>?
) -> lockstep_status {
  status { () throws(CallError) in
    let text = try choice(network, rows: rows, work: work).explanation
    needed?.pointee = text.utf8.count + 1
    if let explanation { try write(text, "explanation", to: explanation, size: size) }
  }
}

/// What computes a kind of work on so many rows, and why.
private func choice(_ network: OpaquePointer?, rows: Int64, work: Int32) throws(CallError) -> BackendChoice {
  let handle = try NetworkHandle.of(network)
  let rows = try size(rows, "rows")
  let work = try Constants.value(work, in: Constants.works, "work")
  return handle.lock.reading { handle.state.backendChoice(for: work, rows: rows) }
}

/// The names of variants, in memory that C may read for ever.
private enum VariantNames {
  /// All that there can be, so that nobody writes here beside who reads.
  private nonisolated(unsafe) static let pointers: [BackendVariant: UnsafePointer<CChar>] = {
    var pointers: [BackendVariant: UnsafePointer<CChar>] = [:]
    for variant in BackendRequest.variants {
      pointers[variant] = strdup(variant.description).map { UnsafePointer($0) }
    }
    return pointers
  }()

  static func pointer(_ variant: BackendVariant) -> UnsafePointer<CChar>? { pointers[variant] }
}
