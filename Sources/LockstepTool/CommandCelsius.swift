// `lockstep celsius`: a 1-2-1 network learns to convert temperatures, the smallest network worth following by hand. Its
// options lie in CelsiusOptions.swift, its results in CelsiusResult.swift, its picture in CelsiusPlot.swift, the steps
// spelled out in CelsiusTrace.swift.

import ComputeBackend
import FileWriting
import Lockstep

/// The command `celsius`.
let celsiusCommand = Command(
  name: "celsius",
  summary: "train a 1-2-1 network to convert Celsius to Fahrenheit, and show its picture",
  details: """
    The inputs are evenly spaced from -50 to 50, the targets are c * 9 / 5 + 32. Weights and biases are drawn from \
    the standard normal distribution; every step of gradient descent takes all samples at once and makes the mean \
    squared error smaller. On a terminal the true line and the network before and after training are drawn as text.
    Control-C ends training after the current step; results and picture are those of the network as it stands.
    """,
  options: CelsiusOptions.all,
  examples: [
    ("lockstep celsius --plot celsius.png", "train, and draw the three lines into a file"),
    ("lockstep celsius --trace", "follow backpropagation through the first step by hand"),
    ("lockstep celsius --seed 7 --iterations 5000", "start from other parameters and train for longer"),
    ("lockstep celsius --backend scalar --json", "the same parameters_digest as on every other backend"),
  ],
  run: { invocation in
    switch invocation[CommonOptions.precision] {
    case .f32: try CelsiusRun<Float>(invocation).report(to: invocation)
    case .f64: try CelsiusRun<Double>(invocation).report(to: invocation)
    }
  })

/// The training of the network, before and after.
struct CelsiusRun<Element: NetworkElement> {
  let backend: any ComputeBackend<Element>
  let schedule: TrainingSchedule
  /// `[samples × 1]`: evenly spaced from -50 to 50.
  let celsius: Matrix<Element>
  /// `[samples × 1]`: what the network is to give.
  let fahrenheit: Matrix<Element>
  /// The network before training.
  let first: Network<Element>

  init(_ invocation: Invocation) throws {
    if invocation[CelsiusOptions.plot] == .text, invocation.isJSON {
      throw UsageError(description: "--plot - and --json both want standard output; give --plot a file")
    }
    if case .file(let name, _) = invocation[CelsiusOptions.plot] {
      // Better now than after training.
      try OutputFile.check(name)
    }
    backend = try invocation.makeBackend()
    let samples = invocation[CelsiusOptions.samples]
    let temperatures = evenlySpacedTemperatures(samples)
    celsius = Matrix(rows: samples, columns: 1, elements: temperatures.map { Element($0) })
    fahrenheit = Matrix(rows: samples, columns: 1, elements: temperatures.map { Element(trueFahrenheit($0)) })
    schedule = try TrainingSchedule(
      epochs: invocation[CelsiusOptions.iterations], batchSize: samples,
      learningRate: invocation[CelsiusOptions.learningRate], shuffles: false)
    try checkHyperparameters(schedule, in: Element.precision)
    first = try Network(
      sizes: [1, 2, 1], hidden: .identity, initializer: .standardNormal, seed: invocation[CelsiusOptions.seed])
  }

  /// What `network` makes of temperatures.
  func predict(_ temperatures: [Double], by network: Network<Element>) throws -> [Double] {
    let input = Matrix(rows: temperatures.count, columns: 1, elements: temperatures.map { Element($0) })
    return try network.predict(input, on: backend).elements.map { Double($0) }
  }

  /// Trains and writes what the command promises.
  func report(to invocation: Invocation) throws {
    let output = invocation.output
    if let steps = invocation[CelsiusOptions.trace] {
      try CelsiusTrace(run: self, steps: min(steps, schedule.epochs)).write(to: output, asJSON: invocation.isJSON)
    }

    if invocation.isGiven(CelsiusOptions.plot), let reason = Gnuplot.unavailability {
      invocation.warn("\(reason); there will be no picture")
    }
    if !invocation.isJSON { try writeHeading(to: output, seed: invocation[CelsiusOptions.seed]) }

    let result = try train()
    if invocation.isJSON {
      try result.writeJSON(to: invocation)
    } else {
      try result.writeText(to: output)
    }
    try draw(result, for: invocation)
    if let signal = Interruption.received {
      throw Interruption(signal: signal, description: "interrupted after step \(result.steps)")
    }
  }

  /// Says what is about to be done, for whoever waits.
  private func writeHeading(to output: Output, seed: UInt64) throws {
    let steps = counted(schedule.epochs, "step")
    try output.line("Celsius to Fahrenheit: a 1-2-1 network, \(celsius.rows) samples, \(steps), seed \(seed)\n")
    try output.flush()
  }

  private func train() throws -> CelsiusResult<Element> {
    let trainer = Trainer(first, loss: .meanSquaredError, backend: backend)
    let progress = Progress()
    defer { progress.clear() }
    Interruption.watch()
    let clock = ContinuousClock()
    let start = clock.now
    let steps = try trainer.train(
      input: celsius, target: fahrenheit, schedule: schedule, shouldStop: { Interruption.received != nil },
      onEpoch: { progress.show("step \($0.epoch) of \(schedule.epochs), loss \(Element($0.loss))") })
    let seconds = (clock.now - start) / .seconds(1)
    return try CelsiusResult(
      run: self, last: trainer.network, choice: trainer.backendChoice(rows: celsius.rows), steps: steps,
      seconds: seconds)
  }

  private func draw(_ result: CelsiusResult<Element>, for invocation: Invocation) throws {
    let output = invocation.output
    let isAskedFor = invocation.isGiven(CelsiusOptions.plot)
    guard isAskedFor || (output.isTerminal && !invocation.isJSON) else { return }
    let target = invocation[CelsiusOptions.plot] ?? .text
    if let reason = Gnuplot.unavailability {
      if isAskedFor { throw ToolError(description: "there is no picture, since gnuplot was not found") }
      try output.flush()
      invocation.warn(reason)
      return
    }
    let plot = try CelsiusPlot(run: self, last: result.last)
    switch target {
    case .text: try output.write("\n" + plot.text(onTerminal: output.isTerminal))
    case .file(let name, let format):
      try plot.write(to: name, format: format)
      if !invocation.isJSON { try output.line("\nThe picture is in \(name).") }
    }
  }
}

/// Evenly spaced from -50 to 50.
///
/// - Precondition: `count` is 2 or more.
func evenlySpacedTemperatures(_ count: Int) -> [Double] {
  (0..<count).map { -50 + 100 * Double($0) / Double(count - 1) }
}

/// What a thermometer says.
func trueFahrenheit(_ celsius: Double) -> Double { celsius * 9 / 5 + 32 }
