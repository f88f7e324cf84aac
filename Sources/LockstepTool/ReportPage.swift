// A report as one HTML file that needs no other: no script, no picture, no font from elsewhere, and a policy that forbids the
// browser to fetch any. It is also well-formed XML.

import Lockstep

/// The page.
struct ReportPage {
  let report: Report
  /// Draws what a script for gnuplot says, as SVG.
  let draw: (String) throws -> String

  /// The whole page. The same report and pictures give the same bytes.
  func html() throws -> String {
    var figures = FigureCounter(draw: draw)
    let sections = [
      section("Summary", facts(report.summary)),
      section("Curves", try curveContent(&figures)),
      section("Predictions", try predictionContent(&figures)),
      section("Data", report.data.isEmpty ? "" : settings(report.data, caption: "What the network was evaluated on.")),
      section("Recipe", recipeContent),
      section("Machine", settings(report.machine, caption: "What computed. The results do not depend on it.")),
    ]
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
      <title>\(markup(report.title)) – Lockstep</title>
      <style>
      \(reportStyle)
      </style>
      </head>
      <body>
      <header>
      <h1>\(markup(report.title))</h1>
      <p>\(markup(report.subtitle))</p>
      \(report.warning.map { "<p class=\"warning\">\(markup($0))</p>\n" } ?? "")</header>
      <main>
      \(sections.compactMap(\.self).joined(separator: "\n"))
      </main>
      <footer>Written by <code>lockstep</code>. What stands above the machine is the same wherever it is computed.</footer>
      </body>
      </html>

      """
  }

  // MARK: Sections

  private func section(_ title: String, _ content: String) -> String? {
    guard !content.isEmpty else { return nil }
    let id = title.lowercased()
    return """
      <section aria-labelledby="\(id)">
      <h2 id="\(id)">\(title)</h2>
      \(content)
      </section>
      """
  }

  private func curveContent(_ figures: inout FigureCounter) throws -> String {
    guard !report.history.isEmpty else { return "" }
    return try figures.grid(report.curves) + "\n" + historyTable
  }

  private func predictionContent(_ figures: inout FigureCounter) throws -> String {
    switch report.predictions {
    case .none: return ""
    case .classes(let matrix, let names):
      return confusionContent(matrix, names: names)
    case .numbers(let panels, let targets):
      let lead = "Predicted against true values of \(report.predictedRows)."
      let rest = targets > panels.count ? " The first \(panels.count) of \(targets) targets are shown." : ""
      return "<p>\(markup(lead + rest))</p>\n" + (try figures.grid(panels.compactMap(\.figure)))
    }
  }

  private var recipeContent: String {
    guard !report.recipe.isEmpty else { return "" }
    // Lines break between words where they can, not at the hyphens of options.
    let commands = report.commands.map { command in
      let words = command.words.map { "<span>\(markup($0))</span>" }.joined(separator: " ")
      return "<h3>\(markup(command.name))</h3>\n<pre>\(words)</pre>\n"
    }.joined()
    let rows = report.digests.map { [grouped($0.step), $0.parameters] }
    let digests =
      rows.isEmpty
      ? ""
      : "\n"
        + details(
          "Digests of the parameters on the way",
          table(header: ["after step", "parameters"], rows: rows, caption: "Any training by this recipe has these."))
    return commands
      + settings(report.recipe, caption: "Everything that decides the bits of the network.") + digests
  }

  // MARK: Parts

  private func facts(_ facts: [Report.Fact]) -> String {
    let items = facts.map { fact in
      "<div\(fact.text.count > 12 ? " class=\"wide\"" : "")>"
        + "<dt>\(markup(fact.name))</dt><dd>\(markup(fact.text))</dd></div>"
    }
    return items.isEmpty ? "" : "<dl class=\"facts\">\n\(items.joined(separator: "\n"))\n</dl>"
  }

  private func settings(_ facts: [Report.Fact], caption: String) -> String {
    let rows = facts.map { "<tr><th scope=\"row\">\(markup($0.name))</th><td>\(markup($0.text))</td></tr>" }
    return """
      <div class="sheet"><table class="settings"><caption>\(markup(caption))</caption><tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table></div>
      """
  }

  private func details(_ summary: String, _ content: String) -> String {
    "<details><summary>\(markup(summary))</summary>\n<div class=\"sheet scroll\">\(content)</div></details>"
  }

  private func table(header: [String], rows: [[String]], caption: String) -> String {
    let head = header.map { "<th scope=\"col\">\(markup($0))</th>" }.joined()
    let body = rows.map { row in
      "<tr><th scope=\"row\"\(titled(row[0]))>\(markup(row[0]))</th>"
        + row.dropFirst().map { "<td\(titled($0))>\(markup($0))</td>" }.joined() + "</tr>"
    }
    return """
      <table class="numbers"><caption>\(markup(caption))</caption><thead><tr>\(head)</tr></thead><tbody>
      \(body.joined(separator: "\n"))
      </tbody></table>
      """
  }

  /// The whole of a long text, for where it is cut off.
  private func titled(_ text: String) -> String { text.count > 20 ? " title=\"\(markup(text))\"" : "" }

  /// The curves in numbers: for some epochs, and the last.
  private var historyTable: String {
    let epochs = evenlySpread(25, of: report.history.count).map { report.history[$0] }
    let names = epochs.compactMap(\.metrics).first?.facts(of: "validation").map(\.name) ?? []
    let isValidated = epochs.contains { $0.validationLoss != nil }
    let header = ["epoch", "learning rate", "loss"] + (isValidated ? ["validation loss"] : []) + names
    let rows = epochs.map { epoch in
      let losses = [epoch.loss] + (isValidated ? [epoch.validationLoss ?? .nan] : [])
      let measures = epoch.metrics?.facts().map(\.text) ?? names.map { _ in "none" }
      return [grouped(epoch.epoch), sixDigits(epoch.learningRate)] + losses.map(sixDigits) + measures
    }
    let shown = epochs.count < report.history.count ? "Some epochs, evenly spread." : "Every epoch."
    return details("The curves in numbers", table(header: header, rows: rows, caption: shown))
  }

  // MARK: Confusion matrix

  /// Of more classes nobody reads a table.
  static let classLimit = 100

  private func confusionContent(_ matrix: ConfusionMatrix, names: [String]) -> String {
    let lead = "How often rows of each class were taken for each, of \(report.predictedRows)."
    var content = "<p>\(markup(lead))</p>\n"
    if matrix.classes <= Self.classLimit {
      content +=
        "<div class=\"sheet scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Confusion matrix\">"
        + confusionTable(matrix, names: names) + "</div>\n"
      content +=
        "<p class=\"note\">The stronger its shade, the larger a cell's share of its row. Framed: right answers. Precision is the "
        + "share of what was taken for a class that is of it, recall the share of a class that was found, F1 their harmonic "
        + "mean.</p>\n"
    }
    if matrix.classes > 10 { content += frequentConfusions(matrix, names: names) }
    return content
  }

  private func confusionTable(_ matrix: ConfusionMatrix, names: [String]) -> String {
    func header(_ name: String, scope: String) -> String {
      "<th scope=\"\(scope)\" title=\"\(markup(name))\">\(markup(name))</th>"
    }
    let head = names.map { header($0, scope: "col") }.joined()
    let rows = matrix.counts.enumerated().map { truth, counts in
      let total = counts.reduce(0, +)
      let cells = counts.enumerated().map { prediction, count in
        let shade = total == 0 ? 0 : Int((Double(count) / Double(total) * 10).rounded(.up))
        var classes = shade > 0 ? ["s\(shade)"] : ["zero"]
        if truth == prediction { classes.append("right") }
        return "<td class=\"\(classes.joined(separator: " "))\">\(grouped(count))</td>"
      }
      let rates = [
        matrix.precision(ofClass: truth), matrix.recall(ofClass: truth),
        matrix.occurs(class: truth) ? matrix.f1(ofClass: truth) : nil,
      ]
      return "<tr>" + header(names[truth], scope: "row") + cells.joined()
        + rates.map { "<td class=\"rate\">\($0.map { fixed($0, digits: 3) } ?? "–")</td>" }.joined() + "</tr>"
    }
    return """
      <table class="\(names.count <= 6 ? "confusion few" : "confusion")"><thead><tr><th class="corner" scope="col">true \\ predicted</th>\(head)\
      <th scope="col">precision</th><th scope="col">recall</th><th scope="col">F1</th></tr></thead><tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table>
      """
  }

  /// The most frequent mistakes, for where the table is too large to find them.
  private func frequentConfusions(_ matrix: ConfusionMatrix, names: [String]) -> String {
    var mistakes: [(truth: Int, prediction: Int, count: Int)] = []
    for (truth, counts) in matrix.counts.enumerated() {
      for (prediction, count) in counts.enumerated() where count > 0 && prediction != truth {
        mistakes.append((truth, prediction, count))
      }
    }
    // Ties in the order of classes.
    mistakes.sort { ($1.count, $0.truth, $0.prediction) < ($0.count, $1.truth, $1.prediction) }
    guard !mistakes.isEmpty else { return "" }
    let rows = mistakes.prefix(20).map { [names[$0.truth], names[$0.prediction], grouped($0.count)] }
    return "<div class=\"sheet scroll mistakes\">"
      + table(header: ["true", "predicted", "rows"], rows: rows, caption: "The most frequent mistakes.") + "</div>"
  }
}

/// Draws figures and gives each a number.
private struct FigureCounter {
  let draw: (String) throws -> String
  private var count = 0

  init(draw: @escaping (String) throws -> String) {
    self.draw = draw
  }

  mutating func grid(_ figures: [ReportFigure]) throws -> String {
    guard !figures.isEmpty else { return "" }
    var items: [String] = []
    for figure in figures {
      count += 1
      let picture = try inlined(svg: try draw(figure.script), index: count, description: figure.description)
      let caption = figure.caption.map { "\n<figcaption>\(markup($0))</figcaption>" } ?? ""
      let samples = figure.key.map { "<span class=\"\($0.style)\">\(markup($0.name))</span>" }.joined(separator: " ")
      let key = samples.isEmpty ? "" : "<p class=\"key\">\(samples)</p>\n"
      items.append("<figure>\n<h3>\(markup(figure.title))</h3>\n\(key)\(picture)\(caption)\n</figure>")
    }
    return "<div class=\"figures\">\n\(items.joined(separator: "\n"))\n</div>"
  }
}

/// Text as it stands in elements and attributes. Control characters, which HTML does not allow, become question marks in a
/// diamond.
func markup(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    case "\t", "\n": result.unicodeScalars.append(scalar)
    case _ where scalar.properties.generalCategory == .control, "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}
