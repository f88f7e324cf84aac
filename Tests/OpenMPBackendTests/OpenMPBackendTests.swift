// What only this backend has: availability, instruction sets, real threads. Its bits are compared with the others' in the
// parity tests.

import ComputeBackend
import OpenMPBackend
import Synchronization
import Testing

@Suite struct OpenMPBackendTests {
  @Test func availabilityIsOfOnePiece() {
    #expect((OpenMPSupport.unavailability == nil) == (OpenMPBackend<Float>(threads: 1) != nil))
    #expect((OpenMPSupport.unavailability == nil) == !OpenMPSupport.instructionSets.isEmpty)
    if OpenMPSupport.version == nil { #expect(OpenMPSupport.unavailability?.contains("libomp-dev") == true) }
  }

  @Test(arguments: InstructionSet.allCases)
  func runsTheInstructionSetsThatItLists(_ instructionSet: InstructionSet) {
    let isListed = OpenMPSupport.instructionSets.contains(instructionSet)
    #expect(
      OpenMPBackend<Float>(threads: 1, instructionSet: instructionSet)?.instructionSet
        == (isListed ? instructionSet : nil))
    #expect(
      OpenMPBackend<Double>(threads: 1, instructionSet: instructionSet)?.instructionSet
        == (isListed ? instructionSet : nil))
  }

  @Test func prefersTheFirstInstructionSet() {
    #expect(OpenMPBackend<Float>(threads: 2)?.instructionSet == OpenMPSupport.instructionSets.first)
  }

  @Test(arguments: [0, -1])
  func refusesToRunOnNoThreads(_ threads: Int) {
    #expect(OpenMPBackend<Float>(threads: threads) == nil)
  }

  @Test(.enabled(if: OpenMPSupport.unavailability == nil), arguments: [0, 1, 2, 5, 100], [1, 2, 3, 7])
  func parallelForCallsEachIndexOnce(_ count: Int, _ threads: Int) throws {
    let backend = try #require(OpenMPBackend<Float>(threads: threads))
    let calls = Mutex(Array(repeating: 0, count: count))
    backend.parallelFor(count) { index in
      backend.singleThreaded.parallelFor(2) { _ in calls.withLock { $0[index] += 1 } }
    }
    #expect(calls.withLock { $0 } == Array(repeating: 2, count: count))
  }

  @Test(.enabled(if: OpenMPSupport.unavailability == nil))
  func parallelForRunsOnSeveralThreadsAtOnce() throws {
    let backend = try #require(OpenMPBackend<Float>(threads: 2))
    // Each call waits for the other, which one thread could not: bounded, so that failure ends.
    let arrivals = Atomic(0)
    let meetings = Atomic(0)
    backend.parallelFor(2) { _ in
      arrivals.add(1, ordering: .sequentiallyConsistent)
      for _ in 0..<2_000_000_000 where arrivals.load(ordering: .sequentiallyConsistent) == 2 {
        meetings.add(1, ordering: .sequentiallyConsistent)
        break
      }
    }
    #expect(meetings.load(ordering: .sequentiallyConsistent) == 2)
  }
}
