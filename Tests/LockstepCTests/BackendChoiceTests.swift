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
  }
}
