// Backends behind handles. What the kinds are lies in the module Lockstep.

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

/// A backend in both precisions: what `lockstep_backend` points at.
final class BackendHandle: Sendable {
  let float: any ComputeBackend<Float>
  let double: any ComputeBackend<Double>
  /// What kind it is; `nil` for the automatic backend.
  let kind: BackendKind?
  /// The variant's name, in memory that C may read while the handle lives.
  nonisolated(unsafe) let name: UnsafePointer<CChar>?

  init(_ request: BackendRequest, threads: Int?) throws(CallError) {
    float = try request.make(threads: threads)
    double = try request.make(threads: threads)
    kind = float is AutomaticBackend<Float> ? nil : float.kind
    let variant = BackendVariant(kind: float.kind, instructionSet: float.instructionSet)
    name = UnsafePointer(strdup(kind == nil ? BackendRequest.automaticName : variant.description))
  }

  deinit {
    free(UnsafeMutablePointer(mutating: name))
  }

  /// The backend of who names none, made when it is first asked for.
  static let automatic = Result { () throws(CallError) in try BackendHandle(.kind(nil), threads: nil) }

  /// The backend behind a handle; the automatic one for NULL.
  @inline(__always)
  static func of(_ handle: OpaquePointer?) throws(CallError) -> BackendHandle {
    guard let handle else { return try automatic.get() }
    return Unmanaged<BackendHandle>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
  }
}

/// An element type that a backend handle has a backend for.
protocol HandledElement: NetworkElement {
  static func backend(of handle: BackendHandle) -> any ComputeBackend<Self>
}

extension Float: HandledElement {
  static func backend(of handle: BackendHandle) -> any ComputeBackend<Float> { handle.float }
}

extension Double: HandledElement {
  static func backend(of handle: BackendHandle) -> any ComputeBackend<Double> { handle.double }
}

// MARK: - Functions

/// See `lockstep.h`.
@c @implementation
public func lockstep_backend_create(
  _ kind: Int32, _ threads: Int32, _ backend: UnsafeMutablePointer<OpaquePointer?>?
) -> lockstep_status {
  make(backend, threads: threads) { () throws(CallError) in
    .kind(try Constants.value(kind, in: Constants.backends, "kind"))
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_backend_create_named(
  _ name: UnsafePointer<CChar>?, _ threads: Int32, _ backend: UnsafeMutablePointer<OpaquePointer?>?
) -> lockstep_status {
  make(backend, threads: threads) { () throws(CallError) in try BackendRequest(named: try text(name, "name")) }
}

/// Puts a new backend where the caller wants its handle, NULL where there is none.
private func make(
  _ backend: UnsafeMutablePointer<OpaquePointer?>?, threads count: Int32,
  _ request: () throws(CallError) -> BackendRequest
) -> lockstep_status {
  status { () throws(CallError) in
    let slot = try required(backend, "backend")
    slot.pointee = nil
    let handle = try BackendHandle(try request(), threads: try threads(count))
    slot.pointee = OpaquePointer(Unmanaged.passRetained(handle).toOpaque())
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_backend_free(_ backend: OpaquePointer?) {
  if let backend { Unmanaged<BackendHandle>.fromOpaque(UnsafeRawPointer(backend)).release() }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_backend_describe(
  _ backend: OpaquePointer?, _ kind: UnsafeMutablePointer<Int32>?, _ threads: UnsafeMutablePointer<Int32>?,
  _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> lockstep_status {
  status { () throws(CallError) in
    let handle = try BackendHandle.of(backend)
    kind?.pointee = Constants.constant(for: handle.kind, in: Constants.backends)
    threads?.pointee = Int32(handle.float.threads)
    name?.pointee = handle.name
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_order_of_arithmetic_version() -> Int32 { Int32(OrderOfArithmetic.version) }
