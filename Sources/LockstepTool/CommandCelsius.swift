// `lockstep celsius`: a 1-2-1 network learns to convert temperatures, the smallest network worth following by hand. The
// picture is drawn in CelsiusPlot.swift, the steps are spelled out in CelsiusTrace.swift.

import ComputeBackend
import FoundationEssentials
import Lockstep

/// The command `celsius`.
let celsiusCommand = Command(
  name: "celsius",
  summary: "train a 1-2-1 network to convert Celsius to Fahrenheit, and show its picture",
  details: """
    The inputs are evenly spaced from -50 to 50, the targets are c * 9 / 5 + 32. Weights and biases are drawn from \
    the standard normal distribution; every step of gradient descent takes all samples at once and makes the mean \
    squared error smaller. On a terminal the true line and the network before and after training are drawn as text.
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

/// The options of `celsius`.
enum CelsiusOptions {
  static let iterations = CommandOption<Int>.integer(
    "iterations", summary: "steps of gradient descent", in: 0...Int(UInt32.max), default: 2000)
  static let learningRate = CommandOption.number(
    "learning-rate", summary: "the factor of the gradients in each step", default: 0.0001)
  /// At the default learning rate the slope ends up swinging around 1.8 from step to step, as far as the curvature of
  /// the loss allows. The default seed is the one of the first 300 whose `Float` run ends with the least loss.
  static let seed = CommandOption<UInt64>.integer(
    "seed", summary: "what the first parameters are drawn from", in: 0...UInt64.max, default: 20)
  static let samples = CommandOption<Int>.integer(
    "samples", summary: "how many temperatures to learn from", in: 2...1 << 30, default: 100)
  static let plot = CommandOption<PictureTarget?>(
    "plot", placeholder: "FILE", summary: "draw the picture into FILE (.svg, .png or .pdf); - draws it as text",
    default: nil, defaultText: "as text on a terminal",
    allowed: "a file name that ends in .svg, .png or .pdf, or - for text",
    parse: { name in PictureTarget(name: name).map { .some($0) } })
  static let trace = CommandOption.optionalInteger(
    "trace", summary: "print every quantity of the first step, or of N steps, with its formula",
    in: 1...Int(UInt32.max), defaultText: nil
  ).valueOptional(standingFor: 1)

  static let all: [any OptionDeclaration] =
    [iterations, learningRate, seed, samples, plot, trace] + CommonOptions.computing
}

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
    backend = try invocation.makeBackend()
    let samples = invocation[CelsiusOptions.samples]
    let temperatures = evenlySpacedTemperatures(samples)
    celsius = Matrix(rows: samples, columns: 1, elements: temperatures.map { Element($0) })
    fahrenheit = Matrix(rows: samples, columns: 1, elements: temperatures.map { Element(trueFahrenheit($0)) })
    schedule = try TrainingSchedule(
      epochs: invocation[CelsiusOptions.iterations], batchSize: samples,
      learningRate: invocation[CelsiusOptions.learningRate], shuffles: false)
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

    let trainer = Trainer(first, loss: .meanSquaredError, backend: backend)
    let clock = ContinuousClock()
    let start = clock.now
    try trainer.train(input: celsius, target: fahrenheit, schedule: schedule)
    let seconds = (clock.now - start) / .seconds(1)
    let result = try CelsiusResult(run: self, last: trainer.network, seconds: seconds)

    if invocation.isJSON {
      try result.writeJSON(to: invocation)
    } else {
      try result.writeText(to: output, seed: invocation[CelsiusOptions.seed])
    }
    try draw(result, for: invocation)
  }

  private func draw(_ result: CelsiusResult<Element>, for invocation: Invocation) throws {
    let output = invocation.output
    let isAskedFor = invocation.isGiven(CelsiusOptions.plot)
    guard isAskedFor || (output.isTerminal && !invocation.isJSON) else { return }
    let target = invocation[CelsiusOptions.plot] ?? .text
    let plot = try CelsiusPlot(run: self, last: result.last)
    do {
      switch target {
      case .text: try output.write(plot.text(onTerminal: output.isTerminal))
      case .file(let name, let format):
        try plot.write(to: name, format: format)
        if !invocation.isJSON { try output.line("\nThe picture is in \(name).") }
      }
    } catch let missing as Gnuplot.Missing where !isAskedFor {
      try output.flush()
      writeToStandardError("lockstep celsius: \(missing)\n")
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

/// What came out of a run.
private struct CelsiusResult<Element: NetworkElement> {
  let run: CelsiusRun<Element>
  /// The network after training.
  let last: Network<Element>
  let seconds: Double
  let lossBefore: Element
  let lossAfter: Element
  /// The line that the trained network draws: its values at 0 and at either end.
  let slope: Double
  let intercept: Double

  init(run: CelsiusRun<Element>, last: Network<Element>, seconds: Double) throws {
    self.run = run
    self.last = last
    self.seconds = seconds
    func loss(of network: Network<Element>) throws -> Element {
      try Network.meanLoss(
        .meanSquaredError, output: network.predict(run.celsius, on: run.backend), target: run.fahrenheit,
        on: run.backend)
    }
    lossBefore = try loss(of: run.first)
    lossAfter = try loss(of: last)
    let values = try run.predict([-50, 0, 50], by: last)
    slope = (values[2] - values[0]) / 100
    intercept = values[1]
  }

  func writeJSON(to invocation: Invocation) throws {
    let schedule = run.schedule
    try invocation.output.json(
      run.backend.jsonMembers,
      [
        "seed": .integer(invocation[CelsiusOptions.seed]),
        "iterations": .integer(schedule.epochs),
        "learning_rate": .number(schedule.learningRate),
        "samples": .integer(run.celsius.rows),
        "loss_before": .number(lossBefore),
        "loss_after": .number(lossAfter),
        "slope": .number(slope),
        "intercept": .number(intercept),
        "steps": .integer(schedule.epochs),
        "seconds": .number(seconds),
        "parameters_digest": .string(last.parametersDigest),
      ])
  }

  func writeText(to output: Output, seed: UInt64) throws {
    let steps = "\(run.schedule.epochs) step\(run.schedule.epochs == 1 ? "" : "s")"
    try output.line("Celsius to Fahrenheit: a 1-2-1 network, \(run.celsius.rows) samples, \(steps), seed \(seed)")
    try output.line("on \(run.backend.summary)\n")

    let temperatures = [-40.0, 0, 10, 37, 100]
    let columns = [
      temperatures, temperatures.map(trueFahrenheit), try run.predict(temperatures, by: run.first),
      try run.predict(temperatures, by: last),
    ]
    let table = TextTable(
      header: ["Celsius", "true", "before", "after"],
      rows: temperatures.indices.map { row in columns.map { fixed($0[row], digits: 2) } })
    for line in table.lines { try output.line("  " + line) }

    let sign = intercept < 0 ? "-" : "+"
    try output.line(
      """

      learned line       fahrenheit = \(fixed(slope, digits: 4)) celsius \(sign) \(fixed(abs(intercept), digits: 4))
      true line          fahrenheit = 1.8000 celsius + 32.0000
      loss before        \(lossBefore)
      loss after         \(lossAfter)
      time               \(fixed(seconds, digits: 4)) s
      parameters digest  \(last.parametersDigest)
      """)
  }
}
