// Answers for rows on standard input from the networks inside, in every way there is, and prints the digests of the
// parameters and of the outputs.

import ComputeBackend
import Lockstep

/// Every way to the outputs that does not depend on the type of a row.
func digest<Model: EmbeddedNetwork>(
  of _: Model.Type, _ input: Matrix<Model.Element>, byRow: @escaping @Sendable ([Model.Element]) -> [Model.Element]
) async throws -> String {
  let outputs = Model.sizes[Model.sizes.count - 1]
  var results = [try Model.predict(input).elements]
  for variant in try Backends.available() {
    let backend = try Backends.make(variant, as: Model.Element.self)
    results.append(try Model.predictor(on: backend).predict(input).elements)
  }
  var spans = [Model.Element](repeating: 0, count: input.rows * outputs)
  var written = spans.mutableSpan
  try Model.predict(input.elements.span, into: &written)
  results.append(spans)

  // A row a call, from many tasks at once.
  let rows = (0..<input.rows).map { Array(input.elements[($0 * input.columns)..<(($0 + 1) * input.columns)]) }
  results.append(
    await withTaskGroup { group in
      for (index, row) in rows.enumerated() { group.addTask { (index, byRow(row)) } }
      var answers = [[Model.Element]](repeating: [], count: rows.count)
      for await (index, answer) in group { answers[index] = answer }
      return answers.flatMap(\.self)
    })

  let digests = Set(results.map { Digest.fnv1a($0) })
  guard let digest = digests.first, digests.count == 1 else { fatalError("\(Model.self): the ways differ: \(digests)") }
  return "\(Model.parametersDigest) \(digest)"
}

var rows: [[Double]] = []
while let line = readLine() { rows.append(line.split(separator: ",").compactMap { Double($0) }) }

switch CommandLine.arguments.dropFirst() {
case ["float"]:
  let input = Matrix(rows: rows.count, columns: CelsiusModel.inputs, elements: rows.flatMap(\.self).map { Float($0) })
  print(
    try await digest(of: CelsiusModel.self, input) { row in
      let output = CelsiusModel.predict(CelsiusModel.Input(celsius: row[0]))
      precondition(output.degreesFahrenheit == CelsiusModel.predict([row[0]])[0])
      return [output.degreesFahrenheit]
    })
case ["double"]:
  let input = Matrix(rows: rows.count, columns: Model2Waves.inputs, elements: rows.flatMap(\.self))
  print(
    try await digest(of: Model2Waves.self, input) { row in
      let output = Model2Waves.predict(.init(angle: row[0], in: row[1]))
      return [output.sine, output.cosine]
    })
default: fatalError("say float or double")
}
