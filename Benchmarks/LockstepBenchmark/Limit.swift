// Which of the machine's limits binds a workload, and how long a step takes that reaches it.

import ComputeBackend

/// What binds a workload.
public enum LimitKind: String, Sendable, CaseIterable {
  /// Fused multiply-adds.
  case fma
  /// The bandwidth of a level.
  case l1, l2, l3, memory

  init(_ level: MemoryLevel) {
    switch level {
    case .l1: self = .l1
    case .l2: self = .l2
    case .l3: self = .l3
    case .memory: self = .memory
    }
  }
}

/// The roofline of a workload: S. Williams, A. Waterman and D. Patterson, "Roofline: an insightful visual performance
/// model for multicore architectures", Communications of the ACM 52 (2009).
///
/// A step has at least ``Workload/operations`` to do and at least ``bytes`` to move, and does neither faster than the
/// machine can:
///
///     seconds = max(operations / peak, bytes / bandwidth)
///
/// The bandwidth is that of the nearest level that holds what a step must have at hand: parameters and data. What lies
/// there is moved once in a step, except that training comes by the parameters three times: forward reads them, backward
/// reads them, and the update writes them. Activations and gradients are not counted, as a good schedule keeps them
/// near; so no schedule is faster than the limit, and the limit need not be reachable.
public struct Limit: Sendable, Equatable {
  /// What binds.
  public let kind: LimitKind
  /// The level that holds parameters and data.
  public let level: MemoryLevel
  /// Bytes that a step moves at least.
  public let bytes: Double
  /// Seconds that a step takes at least.
  public let seconds: Double
  /// Floating-point operations per second, at most.
  public let peak: Double
  /// Bytes per second that ``level`` gives, at most.
  public let bandwidth: Double

  /// The limit of a workload on this machine.
  public init(
    of workload: Workload, precision: Precision, instructionSet: InstructionSet, threads: Int, limits: MachineLimits
  ) {
    let level = limits.caches.level(holding: workload.bytesAtHand(in: precision), threads: threads)
    self.init(
      of: workload, precision: precision, peak: limits.peak(instructionSet, precision, threads: threads), level: level,
      bandwidth: limits.bandwidth(level, instructionSet, threads: threads))
  }

  /// The limit of a workload where multiply-adds have this peak, and data lies in a level of this bandwidth.
  init(of workload: Workload, precision: Precision, peak: Double, level: MemoryLevel, bandwidth: Double) {
    self.level = level
    self.peak = peak
    self.bandwidth = bandwidth
    bytes = workload.bytesMoved(in: precision)
    let (arithmetic, moving) = (workload.operations / peak, bytes / bandwidth)
    kind = arithmetic >= moving ? .fma : LimitKind(level)
    seconds = max(arithmetic, moving)
  }
}

extension Workload {
  /// Bytes of the parameters.
  func parameterBytes(in precision: Precision) -> Double { Double(parameterCount) * Double(precision.bytes) }

  /// Bytes of the data of a step: inputs, and targets or outputs.
  func dataBytes(in precision: Precision) -> Double {
    Double(batch) * Double(sizes[0] + sizes[sizes.count - 1]) * Double(precision.bytes)
  }

  /// Bytes that a step must have at hand.
  func bytesAtHand(in precision: Precision) -> Double { parameterBytes(in: precision) + dataBytes(in: precision) }

  /// Bytes that a step moves at least: see ``Limit``.
  func bytesMoved(in precision: Precision) -> Double {
    (kind == .training ? 3 : 1) * parameterBytes(in: precision) + dataBytes(in: precision)
  }
}

extension Precision {
  /// Bytes of an element.
  var bytes: Int { self == .f32 ? 4 : 8 }
}
