// The Swift face of the C kernels: views and enumerations handed down, nothing computed here.

import CLockstepKernels
import ComputeBackend

/// The backend in C, on several threads by OpenMP.
public struct OpenMPBackend<Element: KernelElement>: ComputeBackend {
  /// What the kernels are compiled for.
  public let instructionSet: InstructionSet
  /// How many threads its primitives may use, the caller's included.
  public let threads: Int
  /// The kernels, in memory that is never freed or written.
  private nonisolated(unsafe) let kernels: OpaquePointer

  /// The backend on `threads` threads, or nil where it cannot run: see ``OpenMPSupport/unavailability``.
  ///
  /// - Parameters:
  ///   - threads: how many threads its primitives may use, the caller's included: 1 or more.
  ///   - instructionSet: one of ``OpenMPSupport/instructionSets``; without one, the best.
  public init?(threads: Int, instructionSet: InstructionSet? = nil) {
    guard threads >= 1, let best = OpenMPSupport.instructionSets.first else { return nil }
    let instructionSet = instructionSet ?? best
    let precision = lockstep_precision(Element.precision)
    guard OpenMPSupport.instructionSets.contains(instructionSet),
      let set = lockstep_instruction_set(instructionSet), let kernels = lockstep_kernels_for(set, precision)
    else { return nil }
    self.instructionSet = instructionSet
    self.threads = min(threads, Int(CInt.max))
    self.kernels = kernels
  }

  private init(_ other: OpenMPBackend, threads: Int) {
    instructionSet = other.instructionSet
    kernels = other.kernels
    self.threads = threads
  }

  /// ``BackendKind/openmp``.
  public var kind: BackendKind { .openmp }

  /// The same kernels on the calling thread alone.
  public var singleThreaded: OpenMPBackend { OpenMPBackend(self, threads: 1) }

  // A caller that holds `any ComputeBackend` reaches the generic code, so each primitive names its two specialisations:
  // generic code would look up types at every call.

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func forward(
    input: MatrixView<Element>, weights: MatrixView<Element>, bias: MatrixView<Element>, activation: Activation,
    output: MutableMatrixView<Element>
  ) {
    lockstep_forward(
      kernels, CInt(threads), lockstep_matrix(input), lockstep_matrix(weights), lockstep_matrix(bias),
      lockstep_activation(activation), lockstep_mutable_matrix(output))
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func activate(_ activation: Activation, sums: MatrixView<Element>, output: MutableMatrixView<Element>) {
    lockstep_activate(
      kernels, CInt(threads), lockstep_activation(activation), lockstep_matrix(sums), lockstep_mutable_matrix(output))
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func activateBackward(
    _ activation: Activation, value: MatrixView<Element>, gradient: MutableMatrixView<Element>
  ) {
    lockstep_activate_backward(
      kernels, CInt(threads), lockstep_activation(activation), lockstep_matrix(value),
      lockstep_mutable_matrix(gradient))
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func parameterGradients(
    input: MatrixView<Element>, outputGradient: MatrixView<Element>,
    weightGradient: MutableMatrixView<Element>, biasGradient: MutableMatrixView<Element>
  ) {
    lockstep_parameter_gradients(
      kernels, CInt(threads), lockstep_matrix(input), lockstep_matrix(outputGradient),
      lockstep_mutable_matrix(weightGradient), lockstep_mutable_matrix(biasGradient))
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func updateParameters(
    weights: MutableMatrixView<Element>, bias: MutableMatrixView<Element>,
    input: MatrixView<Element>, outputGradient: MatrixView<Element>, learningRate: Element
  ) {
    lockstep_update_parameters(
      kernels, CInt(threads), lockstep_matrix(input), lockstep_matrix(outputGradient), lockstep_mutable_matrix(weights),
      lockstep_mutable_matrix(bias), Double(learningRate))
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func inputGradient(
    outputGradient: MatrixView<Element>, weights: MatrixView<Element>, input: MatrixView<Element>,
    activation: Activation, inputGradient: MutableMatrixView<Element>
  ) {
    lockstep_input_gradient(
      kernels, CInt(threads), lockstep_matrix(outputGradient), lockstep_matrix(weights), lockstep_matrix(input),
      lockstep_activation(activation), lockstep_mutable_matrix(inputGradient))
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func loss(
    _ loss: Loss, output: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>?,
    scale: Element, gradient: MutableMatrixView<Element>
  ) -> Element {
    Element(
      lockstep_loss(
        kernels, CInt(threads), lockstep_loss_function(loss), lockstep_matrix(output), lockstep_matrix(target),
        weights.map { lockstep_matrix($0) } ?? lockstep_matrix(), Double(scale), lockstep_mutable_matrix(gradient)))
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func add(_ other: MatrixView<Element>, to sum: MutableMatrixView<Element>) {
    lockstep_add(kernels, CInt(threads), lockstep_matrix(other), lockstep_mutable_matrix(sum))
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func descend(
    _ parameters: MutableMatrixView<Element>, gradient: MatrixView<Element>, learningRate: Element
  ) {
    lockstep_descend(
      kernels, CInt(threads), lockstep_mutable_matrix(parameters), lockstep_matrix(gradient), Double(learningRate))
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func update(
    _ parameters: MutableMatrixView<Element>, by rule: UpdateRule<Element>, gradient: MatrixView<Element>,
    first: MutableMatrixView<Element>?, second: MutableMatrixView<Element>?
  ) {
    rule.formula.checkMoments(first: first != nil, second: second != nil)
    var rule = lockstep_update_rule(rule)
    lockstep_update(
      kernels, CInt(threads), &rule, lockstep_mutable_matrix(parameters), lockstep_matrix(gradient),
      first.map { lockstep_mutable_matrix($0) } ?? lockstep_mutable_matrix(),
      second.map { lockstep_mutable_matrix($0) } ?? lockstep_mutable_matrix())
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func sumOfSquares(_ matrix: MatrixView<Element>) -> Double {
    lockstep_sum_of_squares(kernels, CInt(threads), lockstep_matrix(matrix))
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func dropOut(
    _ values: MatrixView<Element>, by rule: DropoutRule<Element>, firstRow: Int, output: MutableMatrixView<Element>
  ) {
    var rule = lockstep_dropout_rule(rule)
    lockstep_drop_out(
      kernels, CInt(threads), &rule, firstRow, lockstep_matrix(values), lockstep_mutable_matrix(output))
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func narrowGradients(
    layers: [DenseLayerViews<Element>], input: MatrixView<Element>, target: MatrixView<Element>, loss: Loss,
    scale: Element
  ) -> Element? {
    narrowGradientsInC(layers: layers, input: input, target: target, loss: loss, scale: scale)
  }

  /// Apart from the method above, whose generic form would look up the types of all that stands here at every call,
  /// before it comes to its specialisations.
  @inline(never)
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  private func narrowGradientsInC(
    layers: [DenseLayerViews<Element>], input: MatrixView<Element>, target: MatrixView<Element>, loss: Loss,
    scale: Element
  ) -> Element? {
    withUnsafeTemporaryAllocation(of: lockstep_narrow_layer.self, capacity: layers.count) { narrowLayers in
      for index in layers.indices {
        narrowLayers.initializeElement(at: index, to: lockstep_narrow_layer(layers[index]))
      }
      var lossSum = 0.0
      let isDone = lockstep_narrow_gradients(
        kernels, narrowLayers.baseAddress, layers.count, lockstep_matrix(input), lockstep_matrix(target),
        lockstep_loss_function(loss), Double(scale), &lossSum)
      return isDone ? Element(lossSum) : nil
    }
  }

  /// Calls `body` on the threads of an OpenMP region, each taking an equal run of neighbouring indices.
  public func parallelFor(_ count: Int, _ body: @Sendable (Int) -> Void) {
    // C calls back with the address of the closure, which does not outlive this call.
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { address in
        lockstep_parallel_for(
          count, CInt(threads), { $0!.assumingMemoryBound(to: (@Sendable (Int) -> Void).self).pointee($1) },
          UnsafeMutableRawPointer(mutating: address))
      }
    }
  }
}
