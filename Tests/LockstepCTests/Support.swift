// Short names for what the tests of the C interface do over and over: making handles, numbers, and comparing bits.

import CLockstep
import ComputeBackend
import Lockstep
import Testing

/// A network behind a handle, freed at the end.
final class CNetwork {
  let handle: OpaquePointer

  init(_ handle: OpaquePointer?) throws {
    self.handle = try #require(handle)
  }

  /// A new network.
  convenience init(
    precision: Int = LOCKSTEP_PRECISION_F32, sizes: [Int64], activations: [Int], seed: UInt64 = 1
  ) throws {
    var handle: OpaquePointer?
    let status = lockstep_network_create(
      Int32(precision), sizes, Int64(sizes.count), activations.map { Int32($0) }, seed, &handle)
    try #require(status == LOCKSTEP_OK, "\(message)")
    try self.init(handle)
  }

  deinit { lockstep_network_free(handle) }

  /// The fingerprint of the parameters.
  var digest: String {
    var digest = [CChar](repeating: 1, count: 17)
    #expect(lockstep_network_digest(handle, &digest, digest.count) == LOCKSTEP_OK)
    return text(digest)
  }
}

/// A backend behind a handle, freed at the end.
final class CBackend {
  let handle: OpaquePointer

  init(_ kind: Int, threads: Int = 0) throws {
    var handle: OpaquePointer?
    try #require(lockstep_backend_create(Int32(kind), Int32(threads), &handle) == LOCKSTEP_OK, "\(message)")
    self.handle = try #require(handle)
  }

  /// A backend by its name.
  init(_ name: String, threads: Int = 0) throws {
    var handle: OpaquePointer?
    try #require(lockstep_backend_create_named(name, Int32(threads), &handle) == LOCKSTEP_OK, "\(message)")
    self.handle = try #require(handle)
  }

  deinit { lockstep_backend_free(handle) }
}

/// The constants of the backends that can run here.
func backendConstants() throws -> [Int] {
  try Backends.available().map(\.kind).map {
    switch $0 {
    case .scalar: LOCKSTEP_BACKEND_SCALAR
    case .simd: LOCKSTEP_BACKEND_SIMD
    case .openmp: LOCKSTEP_BACKEND_OPENMP
    }
  }
}

/// The calling thread's message.
var message: String { String(cString: lockstep_error_message()) }

/// What lies before the NUL.
func text(_ characters: [CChar]) -> String {
  String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// `count` numbers between -1 and 1.
func numbers<Element: KernelElement>(_ count: Int, seed: UInt64) -> [Element] {
  var stream = RandomStream(seed: seed, purpose: .parameters)
  return (0..<count).map { _ in Element(2 * stream.uniform() - 1) }
}

/// The bits as results are compared.
func bits<Element: KernelElement>(_ elements: [Element]) -> [Element.BitPattern] {
  elements.map(\.canonicalBitPattern)
}
