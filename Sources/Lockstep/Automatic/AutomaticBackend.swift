// The backend that leaves open what computes: its candidates, and what was chosen among them. The rule of a race lies in
// BackendRace.swift, how a trainer or predictor takes part in Racing.swift.

import ComputeBackend

/// Every backend that can run here but the scalar one, raced: a ``Trainer`` or ``Predictor`` that is given one finds out by its first calls
/// which is the fastest for its network and number of rows.
///
/// ``Backends/make(_:threads:as:)`` makes it where no kind is named. No bit of a result depends on the race: every call in
/// it is the caller's own, and all candidates compute the same. What has been decided is remembered for the process.
/// <doc:ChoosingABackend> tells the rule.
///
/// As a plain backend, for single kernels, it is the first of its candidates.
public struct AutomaticBackend<Element: KernelElement>: ComputeBackend {
  /// Who races, the preferred first.
  let candidates: [any ComputeBackend<Element>]
  let table: RaceTable
  /// The time in seconds, from any origin.
  let clock: @Sendable () -> Double
  private let first: any ComputeBackend<Element>

  /// A backend that races `candidates`, one or more, no two of the same variant and threads.
  init(
    candidates: [any ComputeBackend<Element>], table: RaceTable = .shared,
    clock: @escaping @Sendable () -> Double = secondsPassed
  ) {
    self.candidates = candidates
    self.table = table
    self.clock = clock
    first = candidates[0]
  }

  /// What races, the preferred first.
  public var raced: [BackendCandidate] { candidates.map { BackendCandidate($0) } }

  /// What has been chosen so far, in this process and precision, among these candidates: for each network, kind of work
  /// and class of rows that has been asked for, unless that is long ago and many other networks came since.
  public var choices: [BackendChoice] {
    let raced = raced
    return table.all
      .filter { $0.network.candidates == raced && $0.network.precision == Element.precision }
      .flatMap(\.choices)
  }

  // MARK: As a plain backend

  /// That of the first candidate.
  public var kind: BackendKind { first.kind }
  /// That of the first candidate.
  public var instructionSet: InstructionSet { first.instructionSet }
  /// That of the first candidate, which is the most that any uses.
  public var threads: Int { first.threads }
  /// The first candidate on one thread.
  public var singleThreaded: AutomaticBackend {
    AutomaticBackend(candidates: [Self.singleThreaded(first)], table: table, clock: clock)
  }

  private static func singleThreaded(_ backend: some ComputeBackend<Element>) -> any ComputeBackend<Element> {
    backend.singleThreaded
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func forward(
    input: MatrixView<Element>, weights: MatrixView<Element>, bias: MatrixView<Element>, activation: Activation,
    output: MutableMatrixView<Element>
  ) {
    first.forward(input: input, weights: weights, bias: bias, activation: activation, output: output)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func activate(_ activation: Activation, sums: MatrixView<Element>, output: MutableMatrixView<Element>) {
    first.activate(activation, sums: sums, output: output)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func activateBackward(
    _ activation: Activation, value: MatrixView<Element>, gradient: MutableMatrixView<Element>
  ) {
    first.activateBackward(activation, value: value, gradient: gradient)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func parameterGradients(
    input: MatrixView<Element>, outputGradient: MatrixView<Element>, weightGradient: MutableMatrixView<Element>,
    biasGradient: MutableMatrixView<Element>
  ) {
    first.parameterGradients(
      input: input, outputGradient: outputGradient, weightGradient: weightGradient, biasGradient: biasGradient)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func inputGradient(
    outputGradient: MatrixView<Element>, weights: MatrixView<Element>, input: MatrixView<Element>,
    activation: Activation, inputGradient: MutableMatrixView<Element>
  ) {
    first.inputGradient(
      outputGradient: outputGradient, weights: weights, input: input, activation: activation,
      inputGradient: inputGradient)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func loss(
    _ loss: Loss, output: MatrixView<Element>, target: MatrixView<Element>, weights: MatrixView<Element>?,
    scale: Element, gradient: MutableMatrixView<Element>
  ) -> Element {
    first.loss(loss, output: output, target: target, weights: weights, scale: scale, gradient: gradient)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func add(_ other: MatrixView<Element>, to sum: MutableMatrixView<Element>) { first.add(other, to: sum) }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func descend(
    _ parameters: MutableMatrixView<Element>, gradient: MatrixView<Element>, learningRate: Element
  ) {
    first.descend(parameters, gradient: gradient, learningRate: learningRate)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func update(
    _ parameters: MutableMatrixView<Element>, by rule: UpdateRule<Element>, gradient: MatrixView<Element>,
    first: MutableMatrixView<Element>?, second: MutableMatrixView<Element>?
  ) {
    self.first.update(parameters, by: rule, gradient: gradient, first: first, second: second)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func sumOfSquares(_ matrix: MatrixView<Element>) -> Double { first.sumOfSquares(matrix) }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func dropOut(
    _ values: MatrixView<Element>, by rule: DropoutRule<Element>, firstRow: Int, output: MutableMatrixView<Element>
  ) {
    first.dropOut(values, by: rule, firstRow: firstRow, output: output)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func updateParameters(
    weights: MutableMatrixView<Element>, bias: MutableMatrixView<Element>,
    input: MatrixView<Element>, outputGradient: MatrixView<Element>, learningRate: Element
  ) {
    first.updateParameters(
      weights: weights, bias: bias, input: input, outputGradient: outputGradient, learningRate: learningRate)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func narrowGradients(
    layers: [DenseLayerViews<Element>], input: MatrixView<Element>, target: MatrixView<Element>, loss: Loss,
    scale: Element
  ) -> Element? {
    first.narrowGradients(layers: layers, input: input, target: target, loss: loss, scale: scale)
  }

  /// On the threads of the first candidate.
  public func parallelFor(_ count: Int, _ body: @Sendable (Int) -> Void) { first.parallelFor(count, body) }
}
