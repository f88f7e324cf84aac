// What the C interface tells of the backend that computes for a network.

import CLockstep
import ComputeBackend
import Lockstep
import Testing

@Suite("The choice of a backend")
struct BackendChoiceTests {
  /// What `lockstep_network_backend_choice` tells.
  private struct Choice: Equatable {
    var kind = Int32(-1)
    var threads = Int32(-1)
    var name = ""
    var isDecided = false

    init(_ network: CNetwork, rows: Int64, work: Int = LOCKSTEP_WORK_PREDICT) throws {
      var (decided, pointer) = (Int32(-1), UnsafePointer<CChar>?.none)
      let status = lockstep_network_backend_choice(
        network.handle, rows, Int32(work), &kind, &threads, &pointer, &decided)
      try #require(status == LOCKSTEP_OK, "\(message)")
      name = String(cString: try #require(pointer))
      isDecided = decided == 1
    }
  }

  private func network() throws -> CNetwork {
    try CNetwork(
      // Widths of no other test, as decisions last as long as the process.
      sizes: [59, 47, 3], activations: [LOCKSTEP_ACTIVATION_TANH, LOCKSTEP_ACTIVATION_IDENTITY])
  }

  @Test("The calls of a network decide, and the bits of its outputs do not change")
  func decides() throws {
    let network = try network()
    let rows = 29
    let input = (0..<rows * 59).map { Float($0 % 7) - 3 }
    var (output, first) = ([Float](repeating: 0, count: rows * 3), [UInt32]())
    for call in 0..<400 {
      #expect(lockstep_network_predict_f32(network.handle, Int64(rows), input, 59, &output, 3) == LOCKSTEP_OK)
      if call == 0 { first = output.map(\.bitPattern) }
      #expect(output.map(\.bitPattern) == first)
    }
    let choice = try Choice(network, rows: Int64(rows))
    #expect(choice.isDecided)
    #expect(choice.kind != LOCKSTEP_BACKEND_AUTO)
    #expect(choice.threads >= 1)
    #expect(try Backends.available().map(\.description).contains(choice.name))
    #expect(try Choice(try self.network(), rows: Int64(rows)) == choice)
    // The scalar backend races only where nothing else runs.
    if try Backends.available().filter({ $0.kind != .scalar }).count > 1 {
      #expect(try Choice(network, rows: Int64(rows), work: LOCKSTEP_WORK_STEP).isDecided == false)
    }
  }

  @Test("A backend that is set is the choice")
  func given() throws {
    let network = try network()
    let backend = try CBackend(LOCKSTEP_BACKEND_SCALAR)
    #expect(lockstep_network_set_backend(network.handle, backend.handle) == LOCKSTEP_OK)
    for work in [LOCKSTEP_WORK_PREDICT, LOCKSTEP_WORK_GRADIENTS, LOCKSTEP_WORK_STEP] {
      let choice = try Choice(network, rows: 0, work: work)
      #expect(choice.kind == LOCKSTEP_BACKEND_SCALAR && choice.threads == 1)
      #expect(choice.name == "scalar" && choice.isDecided)
    }
  }

  /// What `lockstep_network_explain_backend` tells, in memory of exactly the size that it asks for.
  private func explanation(_ network: CNetwork, rows: Int64) throws -> [Substring] {
    var needed = 0
    let work = Int32(LOCKSTEP_WORK_PREDICT)
    try #require(lockstep_network_explain_backend(network.handle, rows, work, nil, 0, &needed) == LOCKSTEP_OK)
    var characters = [CChar](repeating: 1, count: needed)
    try #require(
      lockstep_network_explain_backend(network.handle, rows, work, &characters, needed, nil) == LOCKSTEP_OK)
    #expect(characters.firstIndex(of: 0) == needed - 1)
    return text(characters).split(separator: "\n", omittingEmptySubsequences: false)
  }

  @Test("Why it is the choice: a reason, and a line for each candidate")
  func explains() throws {
    let network = try CNetwork(
      sizes: [61, 47, 3], activations: [LOCKSTEP_ACTIVATION_TANH, LOCKSTEP_ACTIVATION_IDENTITY])
    let automatic = try CBackend("auto", threads: 2)
    #expect(lockstep_network_set_backend(network.handle, automatic.handle) == LOCKSTEP_OK)
    let backend = try #require(try Backends.make(threads: 2, as: Float.self) as? AutomaticBackend<Float>)
    let before = try explanation(network, rows: 23)
    #expect(before.count == 1 + backend.raced.count)
    for (line, candidate) in zip(before.dropFirst(), backend.raced) { #expect(line.hasPrefix("\(candidate): ")) }

    let input: [Float] = numbers(23 * 61, seed: 1)
    var output = [Float](repeating: 0, count: 23 * 3)
    for _ in 0..<400 {
      #expect(lockstep_network_predict_f32(network.handle, 23, input, 61, &output, 3) == LOCKSTEP_OK)
    }
    let choice = try Choice(network, rows: 23)
    let after = try explanation(network, rows: 23)
    let chosen = after.dropFirst().filter { $0.contains(": chosen") }
    #expect(chosen.count == 1)
    #expect(chosen.first?.hasPrefix("\(choice.name) on \(choice.threads) thread") == true)
    if backend.raced.count(where: { $0.threads == 1 }) > 1 {
      #expect(before[0] == "the race has not begun")
      #expect(chosen.first?.contains(" ns a row, ") == true)
      #expect(after[0].hasPrefix("the fastest; ") || after[0].hasPrefix("as fast within 3 % as "))
    }

    let pinned = try CBackend(LOCKSTEP_BACKEND_SCALAR)
    #expect(lockstep_network_set_backend(network.handle, pinned.handle) == LOCKSTEP_OK)
    #expect(try explanation(network, rows: 23) == ["it was given", "scalar on 1 thread: chosen"])
  }

  @Test("A name that is told makes the backend that has it, and the same bits")
  func named() throws {
    let rows = 23
    let input: [Float] = numbers(rows * 59, seed: 1)
    var digests: Set<[UInt32]> = []
    for variant in try Backends.available() {
      for name in [variant.kind.rawValue, variant.description] {
        let network = try network()
        let backend = try CBackend(name, threads: 2)
        #expect(lockstep_network_set_backend(network.handle, backend.handle) == LOCKSTEP_OK)
        let choice = try Choice(network, rows: Int64(rows))
        if name == variant.description { #expect(choice.name == name) }
        #expect(choice.name.hasPrefix(name) && choice.isDecided)
        #expect(choice.threads == (variant.kind == .openmp ? 2 : 1))
        var output = [Float](repeating: 0, count: rows * 3)
        #expect(lockstep_network_predict_f32(network.handle, Int64(rows), input, 59, &output, 3) == LOCKSTEP_OK)
        digests.insert(bits(output))
      }
    }
    #expect(digests.count == 1)
  }

  @Test("What makes no sense is refused, and what nobody wants to know is left out")
  func refused() throws {
    let network = try network()
    func status(_ network: OpaquePointer?, _ rows: Int64, _ work: Int32) -> lockstep_status {
      lockstep_network_backend_choice(network, rows, work, nil, nil, nil, nil)
    }
    #expect(status(network.handle, 1, 0) == LOCKSTEP_OK)
    #expect(status(nil, 1, 0) == LOCKSTEP_INVALID_ARGUMENT)
    #expect(status(network.handle, -1, 0) == LOCKSTEP_INVALID_SHAPE)
    #expect(status(network.handle, 1, 3) == LOCKSTEP_INVALID_ARGUMENT)
    #expect(message.contains("work is 3"))
    #expect(status(network.handle, 1, -1) == LOCKSTEP_INVALID_ARGUMENT)

    #expect(lockstep_network_explain_backend(network.handle, 1, 0, nil, 0, nil) == LOCKSTEP_OK)
    #expect(lockstep_network_explain_backend(nil, 1, 0, nil, 0, nil) == LOCKSTEP_INVALID_ARGUMENT)
    #expect(lockstep_network_explain_backend(network.handle, -1, 0, nil, 0, nil) == LOCKSTEP_INVALID_SHAPE)
    #expect(lockstep_network_explain_backend(network.handle, 1, 3, nil, 0, nil) == LOCKSTEP_INVALID_ARGUMENT)
    var (needed, characters) = (0, [CChar](repeating: 1, count: 4))
    #expect(
      lockstep_network_explain_backend(network.handle, 1, 0, &characters, 4, &needed) == LOCKSTEP_INVALID_SHAPE)
    #expect(message.contains("size is 4") && message.contains("\(needed) bytes"))
    #expect(needed > 4 && characters == [1, 1, 1, 1])
  }
}
