// What a misspelled name probably stands for: columns here, options and commands in the tool.

/// The candidate that `word` is probably a misspelling of: the one fewest single-letter changes away, upper and lower
/// case apart, if they are few beside the letters of either.
package func nearestName(to word: String, among candidates: [String]) -> String? {
  let letters = Array(word.lowercased())
  return
    candidates
    .map { (name: $0, changes: changes(from: letters, to: Array($0.lowercased()))) }
    .filter { $0.changes <= max(1, letters.count / 3) && 2 * $0.changes < min(letters.count, $0.name.count) }
    .min { $0.changes < $1.changes }?
    .name
}

/// How many letters must be put in, left out or exchanged (Levenshtein 1966).
private func changes(from word: [Character], to other: [Character]) -> Int {
  var distances = Array(0...other.count)
  for (row, letter) in word.enumerated() {
    var diagonal = row
    distances[0] = row + 1
    for (column, otherLetter) in other.enumerated() {
      let exchanged = diagonal + (letter == otherLetter ? 0 : 1)
      diagonal = distances[column + 1]
      distances[column + 1] = min(exchanged, diagonal + 1, distances[column] + 1)
    }
  }
  return distances[other.count]
}
