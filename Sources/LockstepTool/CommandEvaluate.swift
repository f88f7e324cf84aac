// `lockstep evaluate`: how well a network fits a table.

import ComputeBackend
import Lockstep
import LockstepData

/// The command `evaluate`.
let evaluateCommand = Command(
  name: "evaluate",
  summary: "compute a network's loss and metrics over a table",
  details: """
    \(DataFileOptions.details)
    The loss is the mean over all rows of DATA. Beside it stand, for mse, mae and huber, the share of the targets' \
    variance that the network explains (R²), the mean absolute error and the root of the mean squared error; for bce \
    and cross-entropy the share of right answers, the mean of the F1 scores of the classes that occur, and how often each \
    class was taken for each.
    """,
  operands: ["MODEL", "DATA"],
  options: [ModelOptions.targets, ModelOptions.features, ModelOptions.loss, ModelOptions.activation]
    + DataFileOptions.all + [ReportOptions.evaluation] + ModelOptions.computing,
  examples: [
    ("lockstep evaluate housing.safetensors test.csv", "loss and metrics, with what the model file tells"),
    (
      "lockstep evaluate state_dict.safetensors test.csv --target price --activation relu --loss mse",
      "a state dict saved by PyTorch tells nothing of its own"
    ),
  ],
  run: { invocation in
    let report = try invocation.reportPath(overwritesNone: invocation.inputFiles)
    let data = try LabelledData(invocation, takesSHA256: report != nil)
    switch invocation[ModelOptions.precision] ?? data.model.precision {
    case .f32: try evaluate(data, report: report, invocation, as: Float.self)
    case .f64: try evaluate(data, report: report, invocation, as: Double.self)
    }
  })

/// A model file with a table that has its inputs and targets.
struct LabelledData {
  let model: NetworkFile
  let loss: Loss
  let table: DataTable
  let columns: ColumnChoice

  /// What the operands `MODEL` and `DATA` and the options of ``ModelOptions`` say.
  ///
  /// - Parameters:
  ///   - invocation: the operands and options.
  ///   - takesSHA256: whether somebody wants to know which data they are.
  /// - Throws: `UsageError` or what the files make necessary.
  init(_ invocation: Invocation, takesSHA256: Bool = false) throws {
    model = try NetworkFile(contentsOf: invocation.operands[0], activation: invocation[ModelOptions.activation])
    loss = try invocation.loss(of: model)
    table = try invocation.table(
      invocation.operands[1], labels: invocation[DataFileOptions.labels], takesSHA256: takesSHA256)
    let target = try invocation.target(of: model, table: table)
    try checkOutputs(target.outputNames.count, suit: loss)
    columns = try ColumnChoice(
      model: model, table: table, target: target, features: try invocation.names(ModelOptions.features))
  }
}

private func evaluate<Element: NetworkElement>(
  _ data: LabelledData, report: String?, _ invocation: Invocation, as _: Element.Type
) throws {
  let backend = try invocation.makeBackend(as: Element.self)
  let network: Network<Element> = try data.model.network()
  let input: Matrix<Element> = try data.columns.input(of: data.table)
  let target: Matrix<Element> = try data.columns.target(of: data.table.holding(input), for: data.loss)
  let predictor = Predictor(network, backend: backend)
  let result = try predictor.predict(input)
  let choice = predictor.backendChoice(rows: input.rows)
  let loss = try Network.meanLoss(data.loss, output: result, target: target, on: backend)
  invocation.warn(ofNotFinite: "outputs", in: result.elements)
  if !loss.isFinite, result.elements.allSatisfy(\.isFinite) { invocation.warn("the loss is \(number(loss))") }
  let (decoded, truth) = (data.columns.target.decoded(result), data.columns.target.decoded(target))
  let metrics = Metrics(loss: data.loss, output: decoded, target: truth)
  let confusion = ConfusionMatrix(loss: data.loss, output: result, target: target)
  if let report {
    try Report(
      evaluating: data, network, loss: loss, metrics: metrics,
      predictions: ReportPredictions(
        loss: data.loss, output: decoded, target: truth, names: data.columns.target.outputNames),
      choice: choice, invocation
    ).write(to: report)
  }
  // A single yes-or-no answer has two classes.
  let classes = data.columns.target.outputNames.count == 1 ? ["0", "1"] : data.columns.target.outputNames

  if invocation.isJSON {
    try invocation.output.json(
      choice.jsonMembers,
      ["rows": .integer(input.rows), "loss_function": .string(data.loss.rawValue), "loss": .number(loss)],
      metrics.jsonMembers,
      [
        "confusion_matrix": confusion.map { $0.json(classes: classes) } ?? .null, "report": .string(report),
      ])
    return
  }
  let lines = [
    (name: "data", text: "\(data.table.file), \(counted(input.rows, "row"))"),
    (name: "targets", text: data.columns.target.summary),
    (name: "network", text: "\(data.model.path), \(networkSummary(network))"),
    (name: "computed by", text: choice.summary),
    (name: "loss (\(data.loss.rawValue))", text: number(loss)),
  ]
  let written = report.map { [(name: "report", text: $0)] } ?? []
  for line in aligned(lines + metrics.lines() + written) { try invocation.output.line(line) }
  // Of very many classes, nobody reads a table; --json has it.
  if let confusion, confusion.classes <= 50 {
    try invocation.output.line()
    for line in confusion.lines(classes: classes) { try invocation.output.line(line) }
  }
}

extension Metrics {
  /// A member for each measure.
  var jsonMembers: KeyValuePairs<String, JSONValue> {
    func number(_ index: Int) -> JSONValue { values[index].value.map { .number($0) } ?? .null }
    return switch self {
    case .regression: [values[0].key: number(0), values[1].key: number(1), values[2].key: number(2)]
    case .classification: [values[0].key: number(0), values[1].key: number(1)]
    }
  }

  /// An object with a member for each measure.
  var json: JSONValue { .object(Array(jsonMembers)) }

  /// A line for each measure, to as many digits as people compare; `--json` has all.
  ///
  /// - Parameter rows: what is measured, as in `validation`, to stand before each name; empty where nobody could mistake it.
  func lines(of rows: String = "") -> [(name: String, text: String)] {
    let lines =
      switch self {
      case .regression(let coefficientOfDetermination, let meanAbsoluteError, let rootMeanSquaredError):
        [
          (name: "R²", text: coefficientOfDetermination.map(share) ?? "none, since no target varies"),
          (name: "mean absolute error", text: sixDigits(meanAbsoluteError)),
          (name: "root mean squared error", text: sixDigits(rootMeanSquaredError)),
        ]
      case .classification(let accuracy, let macroF1):
        [(name: "accuracy", text: share(accuracy)), (name: "macro F1", text: share(macroF1))]
      }
    return rows.isEmpty ? lines : lines.map { (name: "\(rows) \($0.name)", text: $0.text) }
  }
}

extension ConfusionMatrix {
  /// The matrix as an object: the classes, and a row of counts for each.
  fileprivate func json(classes: [String]) -> JSONValue {
    .object([
      (key: "classes", value: .array(classes.map { .string($0) })),
      (key: "counts", value: .array(counts.map { .array($0.map { .integer($0) }) })),
    ])
  }

  /// The matrix as a table: a line for each class of the targets, a column for each that was predicted.
  fileprivate func lines(classes: [String]) -> [String] {
    let header = ["true \\ predicted"] + classes + ["F1"]
    let rows = counts.enumerated().map { index, row in
      [classes[index]] + row.map(String.init) + [occurs(class: index) ? share(f1(ofClass: index)) : "–"]
    }
    return TextTable(header: header, rows: rows, leadingColumns: [0]).lines
  }
}
