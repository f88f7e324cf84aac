// The page that `--report` writes: that it is one whole, well-formed page for whatever is put into it, and needs nothing from
// elsewhere. How it looks in a browser, `.ci/report` checks.

import ComputeBackend
import Foundation
import Testing

@testable import Lockstep
@testable import LockstepTool

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// A report with what a case wants, on small values of its own.
private struct ReportCase: CustomTestStringConvertible {
  let testDescription: String
  var report = Report(
    title: "data.csv", subtitle: "A network.", summary: [.init(name: "loss", text: "0.5")], loss: .meanSquaredError,
    predictions: .none, predictedRows: "the 3 rows", machine: [.init(name: "CPU", text: "a CPU")])

  init(_ name: String, _ change: (inout Report) -> Void) {
    testDescription = name
    change(&report)
  }

  /// Losses as a history.
  static func history(_ losses: [Double], validation: [Double]? = nil, metrics: Metrics? = nil) -> [TrainingProgress] {
    losses.enumerated().map { index, loss in
      TrainingProgress(
        epoch: index + 1, steps: index + 1, learningRate: 0.1, loss: loss, validationLoss: validation?[index],
        metrics: metrics)
    }
  }

  /// A confusion matrix of rows that are all right but for one.
  static func classes(_ count: Int, name: (Int) -> String = { "class \($0)" }) -> ReportPredictions {
    var target = Matrix<Float>(rows: count, columns: count)
    for row in 0..<count { target[row, row] = 1 }
    var output = target
    if count > 1 { output[0, 1] = 2 }
    return ReportPredictions(
      loss: .softmaxCrossEntropy, output: output, target: target, names: (0..<count).map(name))
  }

  static func numbers(_ values: [Double], names: [String] = ["y"]) -> ReportPredictions {
    let matrix = Matrix<Double>(rows: values.count / names.count, columns: names.count, elements: values)
    return ReportPredictions(loss: .meanSquaredError, output: matrix, target: matrix, names: names)
  }

  static let hostile = "<script>alert(\"x\")</script> & ' \u{0}\u{1B}]]> --> http://example.org/"

  static let all: [ReportCase] = [
    ReportCase("nothing but a summary") { _ in },
    ReportCase("one epoch") { $0.history = history([0.5]) },
    ReportCase("no validation") { $0.history = history([3, 2, 1]) },
    ReportCase("validation and R²") {
      $0.history = history(
        [3, 2, 1], validation: [4, 3, 3.5],
        metrics: .regression(coefficientOfDetermination: -5, meanAbsoluteError: 1, rootMeanSquaredError: 2))
      $0.bestEpoch = 2
    },
    ReportCase("no R²") {
      $0.history = history(
        [3, 2], validation: [4, 3],
        metrics: .regression(coefficientOfDetermination: nil, meanAbsoluteError: 0, rootMeanSquaredError: 0))
    },
    ReportCase("accuracy that never changes") {
      $0.history = history([3, 2], validation: [4, 3], metrics: .classification(accuracy: 1, macroF1: 1))
    },
    ReportCase("losses of nought") { $0.history = history([0, 0, 0]) },
    ReportCase("losses that are not finite") { $0.history = history([1, .infinity, .nan, 1e300, 2]) },
    ReportCase("no finite loss") { $0.history = history([.nan]) },
    ReportCase("losses over many powers of ten") { $0.history = history([1e6, 1, 1e-9]) },
    ReportCase("40,000 epochs") { $0.history = history((0..<40_000).map { 1 / Double($0 + 1) }) },
    ReportCase("one class") { $0.predictions = classes(1) },
    ReportCase("two classes") { $0.predictions = classes(2) },
    ReportCase("100 classes") { $0.predictions = classes(100) },
    ReportCase("101 classes") { $0.predictions = classes(101) },
    ReportCase("long names") {
      $0.predictions = classes(3) { String(repeating: "long\($0)", count: 100) }
      $0.title = String(repeating: "x", count: 500)
    },
    ReportCase("numbers") { $0.predictions = numbers([1, 2, 3, -4]) },
    ReportCase("one number") { $0.predictions = numbers([0]) },
    ReportCase("numbers that are not finite") { $0.predictions = numbers([.nan, .infinity, 1e300]) },
    ReportCase("more targets than panels") {
      $0.predictions = numbers([1, 2, 3, 4, 5, 6], names: ["a", "b", "c", "d", "e", "f"])
    },
    ReportCase("hostile text") { report in
      report.title = hostile
      report.subtitle = hostile
      report.warning = hostile
      report.summary = [.init(name: hostile, text: hostile)]
      report.recipe = [.init(name: hostile, text: hostile)]
      report.commands = [.init(name: hostile, words: [hostile])]
      report.digests = [RunningDigest(step: 1, parameters: hostile)]
      report.machine = [.init(name: hostile, text: hostile)]
      report.predictedRows = hostile
      report.predictions = classes(12) { "\(hostile) \($0)" }
    },
    ReportCase("hostile targets") { $0.predictions = numbers([1, 2], names: [hostile]) },
  ]
}

/// What gnuplot draws, or, where it is not installed, what has its form.
private func draw(_ script: String) throws -> String {
  guard let gnuplot = Gnuplot() else {
    return "<svg viewBox=\"0 0 440 300\"><title>Gnuplot</title><g id=\"gnuplot_canvas\"><path id='a'/></g></svg>"
  }
  return String(decoding: try gnuplot.draw(script), as: UTF8.self)
}

/// The elements of a page, and its text.
private struct PageReader {
  let isWellFormed: Bool
  let elements: [(name: String, attributes: [String: String])]
  /// Pieces of text, each with the numbers of the elements that it stands in.
  private let pieces: [(inside: [Int], text: String)]

  init(_ html: String) {
    let parser = XMLParser(data: Data(html.utf8))
    let collector = Collector()
    parser.delegate = collector
    isWellFormed = parser.parse()
    (elements, pieces) = (collector.elements, collector.pieces)
  }

  /// All text.
  var text: String { pieces.map(\.text).joined() }

  /// The text in each element of a name.
  func texts(of name: String) -> [String] {
    elements.indices.filter { elements[$0].name == name }.map { index in
      pieces.filter { $0.inside.contains(index) }.map(\.text).joined()
    }
  }

  private final class Collector: NSObject, XMLParserDelegate {
    var elements: [(name: String, attributes: [String: String])] = []
    var pieces: [(inside: [Int], text: String)] = []
    private var open: [Int] = []

    func parser(
      _: XMLParser, didStartElement name: String, namespaceURI _: String?, qualifiedName _: String?,
      attributes: [String: String]
    ) {
      open.append(elements.count)
      elements.append((name, attributes))
    }

    func parser(_: XMLParser, didEndElement _: String, namespaceURI _: String?, qualifiedName _: String?) {
      open.removeLast()
    }

    func parser(_: XMLParser, foundCharacters characters: String) { pieces.append((open, characters)) }
  }
}

@Suite struct ReportPageTests {
  @Test(arguments: ReportCase.all)
  fileprivate func isAWellFormedPageThatNeedsNothing(_ reportCase: ReportCase) throws {
    let html = try ReportPage(report: reportCase.report, draw: draw).html()
    let page = PageReader(html)
    #expect(page.isWellFormed)
    let allowed: Set = [
      "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "h1", "h2", "h3", "p",
      "dl", "div", "dt", "dd", "figure", "figcaption", "svg", "g", "defs", "path", "circle", "rect", "use", "text",
      "span", "table", "caption", "thead", "tbody", "tr", "th", "td", "pre", "code", "details", "summary", "tspan",
      "polygon",
    ]
    #expect(Set(page.elements.map(\.name)).subtracting(allowed) == [])
    for (name, attributes) in page.elements {
      #expect(attributes["src"] == nil && !attributes.keys.contains { $0.hasPrefix("on") })
      #expect(attributes["href"]?.hasPrefix("#") ?? true)
      #expect(name != "th" || attributes["scope"] != nil)
      // Where gnuplot was given something that it cannot draw, it writes that.
      #expect(!(attributes["d"] ?? attributes["transform"] ?? "").lowercased().contains("nan"))
    }
    #expect(!html.contains("url(") && !html.contains("@import"))
    let names = page.elements.compactMap { $0.attributes["id"] }
    #expect(Set(names).count == names.count, "a name is given twice")
    let targets = page.elements.compactMap { $0.attributes["href"] }.map { String($0.dropFirst()) }
    #expect(Set(targets).isSubset(of: names))
    // A heading of the first order, and a name for every picture.
    #expect(page.elements.count { $0.name == "h1" } == 1)
    for svg in page.elements where svg.name == "svg" {
      #expect(svg.attributes["role"] == "img")
      #expect(names.contains(svg.attributes["aria-labelledby"] ?? ""))
    }
    #expect(try html == ReportPage(report: reportCase.report, draw: draw).html())
  }

  @Test func textIsEscaped() {
    #expect(markup("a<b>&\"c'\u{0}\u{7F}\u{85}\n") == "a&lt;b&gt;&amp;&quot;c&#39;\u{FFFD}\u{FFFD}\u{FFFD}\n")
    #expect(markup("ünï 🙂 \u{202E}") == "ünï 🙂 \u{202E}")
  }

  @Test func hostileTextStandsAsText() throws {
    let hostile = try #require(ReportCase.all.first { $0.testDescription == "hostile text" })
    let html = try ReportPage(report: hostile.report, draw: draw).html()
    #expect(!html.contains("<script"))
    #expect(PageReader(html).text.contains("<script>alert(\"x\")</script> & '"))
  }

  @Test(arguments: [(9.0, false), (11, true)])
  func lossesThatSpreadWidelyGetALogarithmicAxis(ratio: Double, isLogarithmic: Bool) throws {
    let report = ReportCase("") { $0.history = ReportCase.history([ratio, 1]) }.report
    let figure = try #require(report.curves.first)
    #expect(figure.script.contains("set logscale y") == isLogarithmic)
    #expect((figure.caption?.contains("logarithmic") ?? false) == isLogarithmic)
  }

  @Test func whatCannotBeDrawnHasNoFigure() {
    #expect(ReportCase("") { $0.history = ReportCase.history([.nan]) }.report.curves.isEmpty)
    #expect(ReportPredictions.Panel(name: "y", points: [(.nan, 1), (1, .infinity)], rows: 2).figure == nil)
  }

  @Test func classesAreCounted() throws {
    let two = ReportCase("") { $0.predictions = ReportCase.classes(2) }.report
    let html = try ReportPage(report: two, draw: draw).html()
    // Row 0 is taken for class 1, row 1 is right.
    #expect(
      html.contains(
        "<td class=\"zero right\">0</td><td class=\"s10\">1</td><td class=\"rate\">–</td><td class=\"rate\">0.000</td>")
    )
    #expect(
      html.contains(
        "<td class=\"zero\">0</td><td class=\"s10 right\">1</td><td class=\"rate\">0.500</td><td class=\"rate\">1.000</td>"
      ))
    let many = ReportCase("") { $0.predictions = ReportCase.classes(101) }.report
    let list = try ReportPage(report: many, draw: draw).html()
    #expect(!list.contains("class=\"confusion\""))
    #expect(list.contains("<th scope=\"row\">class 0</th><td>class 1</td><td>1</td>"))
  }

  @Test func manyRowsAreThinnedEvenly() {
    #expect(evenlySpread(5, of: 3) == [0, 1, 2])
    #expect(evenlySpread(5, of: 5) == [0, 1, 2, 3, 4])
    #expect(evenlySpread(5, of: 9) == [0, 2, 4, 6, 8])
    #expect(evenlySpread(3, of: 60_000) == [0, 29_999, 59_999])
    for count in [1001, 1009, 59_999, 1 << 40] {
      let indices = evenlySpread(1000, of: count)
      #expect(indices.count == 1000 && indices.first == 0 && indices.last == count - 1)
      #expect(zip(indices, indices.dropFirst()).allSatisfy(<))
    }
    let panel = ReportCase.numbers((0..<5000).map(Double.init))
    guard case .numbers(let panels, 1) = panel else { return #expect(Bool(false)) }
    #expect(panels[0].points.count == ReportPredictions.pointLimit)
    #expect(panels[0].figure?.caption?.contains("1,000 of 5,000 rows") == true)
  }

  @Test func wordsForTheShellAreQuoted() {
    #expect(shellWord("--hidden=64,32") == "--hidden=64,32")
    #expect(shellWord("a b") == "'a b'")
    #expect(shellWord("it's $HOME") == "'it'\\''s $HOME'")
    #expect(shellWord("") == "''")
  }
}

@Suite struct ReportCommandTests {
  private func arguments(_ more: String...) throws -> [String] {
    ["train", try fixture("table.csv"), "--target", "y", "--epochs", "3", "--hidden", "4"] + more
  }

  @Test(.enabled(if: Tool.hasGnuplot)) func trainingWritesAPageWhoseCommandsTrainAgain() throws {
    let folder = try TemporaryFolder()
    let (model, pages) = (folder.file("it's a model.safetensors"), folder.file("pages"))
    let run = try Tool.run(
      arguments("--model", model, "--validation", "0.2", "--optimizer", "adam", "--report", pages, "--json"))
    #expect(try run.object()["report"] as? String == "\(pages)/index.html")
    let html = String(decoding: try bytes("\(pages)/index.html"), as: UTF8.self)
    #expect(PageReader(html).isWellFormed)
    for section in ["Summary", "Curves", "Predictions", "Recipe", "Machine"] {
      #expect(html.contains(">\(section)</h2>"))
    }
    let commands = PageReader(html).texts(of: "pre")
    #expect(commands.count == 2)
    for command in commands {
      let shell = Process()
      shell.executableURL = URL(fileURLWithPath: "/bin/sh")
      shell.arguments = ["-c", command]
      let tools = Tool.executable.deletingLastPathComponent().path
      shell.environment = ["PATH": "\(tools):/usr/bin:/bin"]
      shell.standardOutput = FileHandle.nullDevice
      try shell.run()
      shell.waitUntilExit()
      #expect(shell.terminationStatus == 0, "\(command)")
    }
  }

  @Test(.enabled(if: Tool.hasGnuplot)) func theMachineAppearsInItsSectionAlone() throws {
    let folder = try TemporaryFolder()
    let pages = try ["scalar", "simd"].map { backend in
      let page = folder.file("page.html")
      let run = try Tool.run(arguments("--report", page, "--backend", backend))
      #expect(run.exitCode == 0, "\(run.errors)")
      return String(decoding: try bytes(page), as: UTF8.self)
    }
    let parts = pages.map { $0.split(separator: "<section aria-labelledby=\"machine\">") }
    #expect(parts[0][0] == parts[1][0])
    #expect(parts[0][1].contains("scalar") && parts[1][1].contains("simd"))
  }

  @Test(.enabled(if: Tool.hasGnuplot)) func evaluationWritesAPage() throws {
    let folder = try TemporaryFolder()
    let (model, page) = (folder.file("model.safetensors"), folder.file("page.HTML"))
    #expect(try Tool.run(arguments("--model", model)).exitCode == 0)
    let run = try Tool.run("evaluate", model, try fixture("table.csv"), "--report", page)
    #expect(run.exitCode == 0, "\(run.errors)")
    let html = String(decoding: try bytes(page), as: UTF8.self)
    #expect(PageReader(html).isWellFormed && html.contains(">Predictions</h2>") && html.contains(">Recipe</h2>"))
    // Which data they are, and that they flatter.
    #expect(html.contains(">Data</h2>") && html.contains("these are the data that the network learned from"))
    let sum = try #require(try NetworkFile(contentsOf: model).recipe()?.files["data"])
    #expect(PageReader(html).texts(of: "td").count { $0 == sum } == 2)
    let other = try folder.write("other.csv", try bytes(fixture("table.csv")) + Data("\n".utf8))
    #expect(try Tool.run("evaluate", model, other, "--report", page).exitCode == 0)
    let others = String(decoding: try bytes(page), as: UTF8.self)
    #expect(others.contains("these are other data") && !others.contains("learned from: figures"))
  }

  /// A name that is neither a page nor plainly a folder, and one that another result takes.
  @Test(.enabled(if: Tool.hasGnuplot)) func namesThatPromiseAnotherThingAreRefused() throws {
    let folder = try TemporaryFolder()
    for name in ["r.pdf", "r.safetensors", "model"] {
      let run = try Tool.run(arguments("--model", folder.file("model"), "--report", folder.file(name)))
      #expect(run.exitCode == 2, "\(run.errors)")
      #expect(run.errors.contains("--report"), "\(run.errors)")
      #expect(folder.names == [])
    }
    let run = try Tool.run(arguments("--report", folder.file("run.1/")))
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(folder.names == ["run.1"])
    #expect(try Tool.run(arguments("--report", "-")).exitCode == 2)
  }

  @Test func withoutGnuplotNothingIsTrained() throws {
    let folder = try TemporaryFolder()
    let run = try Tool.run(
      arguments("--model", folder.file("model.safetensors"), "--report", folder.file("page.html")),
      environment: ["PATH": folder.path])
    #expect(run.exitCode == 1)
    #expect(run.errors.contains("gnuplot-nox"))
    #expect(folder.names == [])
  }

  @Test func aReportThatFailsLeavesNoPartAndTheResults() throws {
    let folder = try TemporaryFolder()
    let program = try folder.write("gnuplot", "#!/bin/sh\nexit 3\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let page = try folder.write("page.html", "the page before")
    let run = try Tool.run(
      arguments("--model", folder.file("model.safetensors"), "--report", page, "--json"),
      environment: ["PATH": folder.path])
    #expect(run.exitCode == 1)
    #expect(run.errors.contains("gnuplot failed"))
    let results = try #require(try run.objects().last)
    #expect(results["loss_after"] is Double && results["report"] is NSNull)
    #expect(try bytes(page) == Data("the page before".utf8))
    #expect(Set(folder.names) == ["gnuplot", "page.html", "model.safetensors"])
  }

  @Test(.enabled(if: Tool.hasGnuplot)) func whatCannotBeWrittenIsRefusedBeforeTraining() throws {
    let folder = try TemporaryFolder()
    let other = try folder.write("notes.txt", "mine")
    let model = folder.file("model.htm")
    let cases: [(report: String, exitCode: Int32, message: String)] = [
      (folder.file("none/page.html"), 1, "none"), (folder.file("none/deeper"), 1, "none/deeper"),
      (other, 2, "neither a folder nor named .html"), (model, 2, "each needs a file of its own"),
    ]
    for (report, exitCode, message) in cases {
      let run = try Tool.run(arguments("--model", model, "--report", report))
      #expect(run.exitCode == exitCode && run.errors.contains(message), "\(run.errors)")
    }
    let data = try folder.write("data.html", "x,y\n1,2\n")
    let run = try Tool.run("train", data, "--target", "y", "--report", data)
    #expect(run.exitCode == 2 && run.errors.contains("would overwrite"), "\(run.errors)")
    #expect(Set(folder.names) == ["notes.txt", "data.html"])
  }
}
