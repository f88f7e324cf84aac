// How a report looks: in light and in the dark, on a phone, on paper.

/// The style sheet of a report.
let reportStyle = """
  :root {
    color-scheme: light dark; --inset: 14px;
    --page: #f6f7f9; --card: #ffffff; --ink: #1c2128; --soft: #57606a; --line: #d8dee4; --accent: #1f6feb;
    --shade: 31, 111, 235; --warn: #9a3412; --first: \(ReportColor.first.light); --second: \(ReportColor.second.light);
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --page: #0f1319; --card: #171c24; --ink: #e6e9ee; --soft: #a3acb8; --line: #2f3742; --accent: #79b8ff;
      --shade: 88, 150, 240; --warn: #ffb38a; --first: \(ReportColor.first.dark); --second: \(ReportColor.second.dark);
    }
  }
  * { box-sizing: border-box; }
  html { -webkit-text-size-adjust: 100%; }
  body {
    margin: 0; background: var(--page); color: var(--ink);
    font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  }
  header, main, footer { max-width: 1080px; margin: 0 auto; padding: 0 16px; }
  header { padding-top: 32px; }
  h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; letter-spacing: -0.015em; overflow-wrap: anywhere; }
  h2 { margin: 0 0 12px; font-size: 1.2rem; }
  h3 { margin: 0 0 8px; font-size: 0.95rem; overflow-wrap: anywhere; }
  p { margin: 0 0 12px; overflow-wrap: anywhere; }
  header p { margin: 8px 0 0; color: var(--soft); }
  header p.warning { color: var(--warn); font-weight: 600; }
  section { margin-top: 32px; }
  .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(148px, 1fr)); gap: 12px; margin: 0; }
  .facts > div { padding: 12px 14px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
  .facts .wide { grid-column: span 2; }
  .facts dt { color: var(--soft); font-size: 0.8rem; }
  .facts dd {
    margin: 2px 0 0; font-size: 1.2rem; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
  }
  .figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 16px; }
  figure, .sheet {
    margin: 0; padding: var(--inset); background: var(--card); border: 1px solid var(--line); border-radius: 10px;
    min-width: 0;
  }
  figure svg { display: block; width: 100%; max-width: 520px; height: auto; margin: 0 auto; }
  figcaption, .note { margin: 8px 0 0; color: var(--soft); font-size: 0.85rem; }
  .key { margin: 0 0 6px; color: var(--soft); font-size: 0.85rem; }
  .key span { display: inline-block; margin-right: 14px; }
  .key span::before {
    content: ""; display: inline-block; width: 24px; margin-right: 6px; vertical-align: middle;
    border-top: 2px solid var(--first);
  }
  .key .second::before { border-top: 2px dashed var(--second); }
  .key .best::before { border-top: 2px dotted var(--soft); }
  .scroll { overflow-x: auto; }
  table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
  caption { text-align: left; color: var(--soft); font-size: 0.85rem; padding-bottom: 8px; }
  th, td { padding: 6px 10px; text-align: left; vertical-align: top; unicode-bidi: isolate; }
  th { font-weight: 600; }
  .settings { width: 100%; }
  .settings tr + tr > * { border-top: 1px solid var(--line); }
  .settings th { width: 13rem; color: var(--soft); font-weight: 500; }
  .settings td { overflow-wrap: anywhere; }
  .numbers th, .numbers td { text-align: right; white-space: nowrap; }
  .numbers tbody tr > * { border-top: 1px solid var(--line); }
  .confusion td, .confusion thead th { text-align: right; }
  .confusion th, .confusion td { padding: 5px 8px; border: 1px solid var(--line); white-space: nowrap; }
  .confusion th { max-width: 11rem; overflow: hidden; text-overflow: ellipsis; background: var(--card); }
  .confusion thead th { max-width: 6rem; vertical-align: bottom; }
  .confusion.few thead th { max-width: 11rem; }
  .mistakes th, .mistakes td { max-width: min(20rem, 30vw); overflow: hidden; text-overflow: ellipsis; }
  .mistakes th:not(:last-child), .mistakes td:not(:last-child) { text-align: left; }
  .confusion tbody th, .confusion .corner { position: sticky; left: calc(-1 * var(--inset)); z-index: 1; }
  .confusion .corner { max-width: none; text-align: left; color: var(--soft); font-weight: 400; }
  .confusion td.right { outline: 2px solid var(--ink); outline-offset: -2px; font-weight: 700; }
  .confusion td.zero { color: var(--soft); }
  .confusion td.rate { color: var(--soft); }
  \(shades)
  pre {
    margin: 0 0 12px; padding: 12px 14px; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
    font: 0.85rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  pre span { display: inline-block; max-width: 100%; }
  code { font: 0.95em ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
  details { margin-top: 12px; }
  summary { cursor: pointer; color: var(--accent); font-size: 0.9rem; }
  details .scroll { margin-top: 8px; max-height: 420px; overflow-y: auto; }
  footer { padding-top: 32px; padding-bottom: 32px; color: var(--soft); font-size: 0.85rem; }
  svg text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
  svg [color="black"] { color: inherit; }
  svg [fill="black"] { fill: var(--ink); }
  \(figureColors)
  @media (max-width: 560px) {
    header { padding-top: 20px; }
    .settings th, .settings td { display: block; width: auto; padding: 6px 0 0; }
    .settings td { padding: 0 0 6px; border: 0 !important; }
    .facts { grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); gap: 8px; }
    :root { --inset: 10px; }
    .confusion { font-size: 0.75rem; }
    .confusion th, .confusion td { padding: 4px 5px; }
    .confusion .corner { white-space: normal; }
  }
  @media print {
    :root {
      color-scheme: light; --page: #ffffff; --card: #ffffff; --ink: #000000; --soft: #444444; --line: #bbbbbb;
      --shade: 31, 111, 235; --first: \(ReportColor.first.light); --second: \(ReportColor.second.light);
    }
    body { font-size: 11pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
    figure, .facts > div, tr, pre { break-inside: avoid; }
    h2, h3 { break-after: avoid; }
    .scroll { overflow: visible; }
    .confusion tbody th, .confusion .corner { position: static; }
    \(printColors)
  }
  """

/// The shades of the confusion matrix, from a tenth to all of a class. Text keeps its colour, so no shade is strong.
private let shades = (1...10).map { ".s\($0) { background: rgba(var(--shade), \(Double($0) * 0.055)); }" }
  .joined(separator: "\n  ")

private func rules(_ hex: (ReportColor) -> String) -> String {
  ReportColor.allCases.map { color in
    "svg [stroke='\(color.spelling)'] { stroke: \(hex(color)); } "
      + "svg [color='\(color.spelling)'] { color: \(hex(color)); } "
      + "svg [fill='\(color.textSpelling)'] { fill: \(hex(color)); }"
  }.joined(separator: " ")
}

/// Figures take the page's colours: what gnuplot wrote is replaced in the dark.
private let figureColors = "@media (prefers-color-scheme: dark) { \(rules(\.dark)) }"
private let printColors = rules(\.light)
