// What came out of a run of `lockstep celsius`, and how it reads. The run itself lies in CommandCelsius.swift.

import ComputeBackend
import Lockstep

/// What came out of a run.
struct CelsiusResult<Element: NetworkElement> {
  let run: CelsiusRun<Element>
  /// The network after training.
  let last: Network<Element>
  /// What computed the steps.
  let choice: BackendChoice
  /// How many steps were taken.
  let steps: Int
  let seconds: Double
  let lossBefore: Element
  let lossAfter: Element
  /// The line that the trained network draws: its values at 0 and at either end.
  let slope: Double
  let intercept: Double

  init(
    run: CelsiusRun<Element>, last: Network<Element>, choice: BackendChoice, steps: Int, seconds: Double
  ) throws {
    self.run = run
    self.last = last
    self.choice = choice
    self.steps = steps
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
      choice.jsonMembers,
      [
        "seed": .integer(invocation[CelsiusOptions.seed]),
        "iterations": .integer(schedule.epochs),
        "learning_rate": .number(schedule.learningRate),
        "samples": .integer(run.celsius.rows),
        "loss_before": .number(lossBefore),
        "loss_after": .number(lossAfter),
        "slope": .number(slope),
        "intercept": .number(intercept),
        "steps": .integer(steps),
        "seconds": .number(seconds),
        "parameters_digest": .string(last.parametersDigest),
        "interrupted": .bool(Interruption.received != nil),
      ])
  }

  func writeText(to output: Output) throws {
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
      computed by        \(choice.summary)
      loss before        \(lossBefore)
      loss after         \(lossAfter)
      time               \(fixed(seconds, digits: 4)) s
      parameters digest  \(last.parametersDigest)
      """)
  }
}
