// Elementary functions of whole vectors, as wide as the SIMD backend has them. What must hold is asserted in
// ElementaryFunctionsTests.

import ComputeBackend
import SIMDBackend

extension ElementaryFunction {
  /// The values at the arguments, whose number is a multiple of 8, from vectors of 8.
  public func inVectors(_ arguments: [Float]) -> [Float] { values(arguments, FloatLanes<SIMD8<Float>>.self) }

  /// The values at the arguments, whose number is a multiple of 4, from vectors of 4.
  public func inVectors(_ arguments: [Double]) -> [Double] { values(arguments, DoubleLanes<SIMD4<Double>>.self) }

  @inline(__always)
  private func values<Vector: LaneVector>(_ arguments: [Vector.Element], _: Vector.Type) -> [Vector.Element] {
    precondition(arguments.count.isMultiple(of: Vector.laneCount))
    var values = arguments
    values.withUnsafeMutableBufferPointer { elements in
      guard let first = elements.baseAddress else { return }
      for start in stride(from: 0, to: elements.count, by: Vector.laneCount) {
        self(Vector.load(first + start)).store(first + start)
      }
    }
    return values
  }
}
