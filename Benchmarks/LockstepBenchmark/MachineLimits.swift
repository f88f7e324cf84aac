// What the machine can do at most, measured: multiply-adds from registers, and reads from each level of memory. What
// binds a workload lies in Limit.swift.

import CMachineLimits
import ComputeBackend

/// The clock that measures.
public enum BenchmarkClock: String, Sendable, CaseIterable {
  /// The time that passes.
  case wall
  /// The processor time of the one thread that works: what a busy machine distorts least.
  case cpu

  /// Seconds since some fixed moment.
  var seconds: Double { self == .wall ? lockstep_limit_seconds() : lockstep_limit_thread_seconds() }
}

/// The limits of this machine, each measured when it is first asked for and kept.
///
/// - The FMA peak is the rate of a loop of fused multiply-adds that touches registers alone, two operations for each
///   lane of each instruction, with more sums in flight than the latency of one needs.
/// - The bandwidth of a level is the rate at which vectors are read, again and again, from memory that lies well inside
///   that level and well beyond the one before.
///
/// Each is the best of several short windows: what disturbs a measurement only slows it.
public final class MachineLimits {
  /// How large the caches are.
  public let caches: CacheSizes
  private let timing: lockstep_limit_timing
  private var peaks: [PeakKey: Double] = [:]
  private var bandwidths: [BandwidthKey: Double] = [:]

  private struct PeakKey: Hashable {
    let registers: UInt32
    let precision: Precision
    let threads: Int
  }

  private struct BandwidthKey: Hashable {
    let level: MemoryLevel
    let registers: UInt32
    let threads: Int
  }

  /// - Parameters:
  ///   - clock: what measures.
  ///   - isQuick: fewer windows.
  ///   - caches: how large the caches are.
  public init(clock: BenchmarkClock = .wall, isQuick: Bool = false, caches: CacheSizes = CacheSizes()) {
    self.caches = caches
    timing = lockstep_limit_timing(window_seconds: 0.004, windows: isQuick ? 12 : 30, cpu_time: clock == .cpu)
  }

  /// Floating-point operations per second on `threads` threads; 0 for an instruction set of another architecture.
  public func peak(_ instructionSet: InstructionSet, _ precision: Precision, threads: Int) -> Double {
    let key = PeakKey(registers: instructionSet.registers.rawValue, precision: precision, threads: threads)
    if let known = peaks[key] { return known }
    let rate = lockstep_limit_multiply_adds(instructionSet.registers, precision == .f64, CInt(threads), timing)
    peaks[key] = rate
    return rate
  }

  /// Bytes per second that `threads` threads read from `level`; 0 for an instruction set of another architecture.
  public func bandwidth(_ level: MemoryLevel, _ instructionSet: InstructionSet, threads: Int) -> Double {
    let key = BandwidthKey(level: level, registers: instructionSet.registers.rawValue, threads: threads)
    if let known = bandwidths[key] { return known }
    let rate = lockstep_limit_reads(
      instructionSet.registers, caches.bytesToRead(from: level, threads: threads), CInt(threads), timing)
    bandwidths[key] = rate
    return rate
  }
}

extension InstructionSet {
  /// The registers to measure. Plain loops are measured by the vectors of the oldest CPU, as the compiler makes vector
  /// code for that one out of them.
  var registers: lockstep_limit_registers {
    switch self {
    #if arch(x86_64)
      case .scalar: LOCKSTEP_LIMIT_AVX2
    #else
      case .scalar: LOCKSTEP_LIMIT_NEON
    #endif
    case .avx2: LOCKSTEP_LIMIT_AVX2
    case .avx512: LOCKSTEP_LIMIT_AVX512
    case .neon: LOCKSTEP_LIMIT_NEON
    }
  }
}
