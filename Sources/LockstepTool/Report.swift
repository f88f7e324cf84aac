// What the report of `train` and `evaluate` shows, as values. Its figures lie in ReportFigures.swift, the page in ReportPage.swift,
// how a training run becomes a report in TrainingReport.swift.

import ComputeBackend
import Lockstep

/// Everything that a report shows. Text is as it comes from data and files; the page escapes it.
struct Report {
  /// A name and a text, as a row of a table.
  struct Fact: Equatable {
    let name: String
    let text: String
  }

  /// What a command does, and its words as a shell takes them.
  struct Command: Equatable {
    let name: String
    let words: [String]
  }

  /// The heading, such as `flowers.csv`.
  var title: String
  /// What it is a report of, as a sentence.
  var subtitle: String
  /// What is unusual about the run, as a sentence.
  var warning: String?
  /// The figures that one looks for first.
  var summary: [Fact]
  /// What there was to tell after each epoch.
  var history: [TrainingProgress] = []
  /// The epoch whose parameters were taken; `nil` where it was the last.
  var bestEpoch: Int?
  /// What the loss is called.
  var loss: Loss
  /// What predictions were compared with the truth, and how.
  var predictions: ReportPredictions
  /// The rows of ``predictions``, as in `the 30 rows held back`.
  var predictedRows: String
  /// The data that a network was evaluated on; none for a training, whose recipe names them.
  var data: [Fact] = []
  /// How it came about: every setting that decides the bits.
  var recipe: [Fact] = []
  /// Commands that do it again.
  var commands: [Command] = []
  /// Fingerprints of the parameters on the way.
  var digests: [RunningDigest] = []
  /// What computed. Only here does the machine appear.
  var machine: [Fact]
}

/// Predictions beside the truth.
enum ReportPredictions {
  /// The targets are numbers: a panel for each of the first few, and how many targets there are.
  case numbers([Panel], targets: Int)
  /// The targets are classes.
  case classes(ConfusionMatrix, names: [String])
  /// Several yes-or-no answers for each row, which have measures and no picture.
  case none

  /// Predictions of one target, thinned.
  struct Panel: Equatable {
    let name: String
    let points: [PlotPoint]
    /// How many rows there are in all.
    let rows: Int

    static func == (a: Panel, b: Panel) -> Bool {
      a.name == b.name && a.rows == b.rows && a.points.elementsEqual(b.points, by: ==)
    }
  }

  /// How many targets have a panel.
  static let panelLimit = 4
  /// How many points a panel has at most.
  static let pointLimit = 1000

  /// - Parameters:
  ///   - loss: what the network was trained for.
  ///   - output: `[rows × outputs]`.
  ///   - target: of the same shape.
  ///   - names: of the outputs; a single yes-or-no answer may have none of its classes.
  init<Element: NetworkElement>(loss: Loss, output: Matrix<Element>, target: Matrix<Element>, names: [String]) {
    if let confusion = ConfusionMatrix(loss: loss, output: output, target: target) {
      self = .classes(confusion, names: names.count == confusion.classes ? names : ["0", "1"])
    } else if case .classification = Metrics(loss: loss, output: output, target: target) {
      self = .none
    } else {
      let rows = evenlySpread(Self.pointLimit, of: output.rows)
      let panels = names.prefix(Self.panelLimit).enumerated().map { column, name in
        Panel(
          name: name, points: rows.map { (Double(target[$0, column]), Double(output[$0, column])) }, rows: output.rows)
      }
      self = .numbers(panels, targets: names.count)
    }
  }
}

/// At most `limit` of `count` indices, evenly spread from the first to the last: the same ones on every machine.
func evenlySpread(_ limit: Int, of count: Int) -> [Int] {
  guard count > limit, limit > 1 else { return Array(0..<max(count, 0)) }
  // In Double, so that no product overflows; indices are exact below 2^53, and floor keeps them in order.
  return (0..<limit).map { Int((Double($0) * Double(count - 1) / Double(limit - 1)).rounded(.down)) }
}
