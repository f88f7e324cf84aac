// What a misspelled name probably stands for: columns here, options and commands in the tool.

/// The candidate that `word` is probably a misspelling of: the one fewest single-letter changes away, upper and lower
/// case apart, if they are few beside the letters of either. Names that differ in their digits alone, such as x64 and x14, are
/// no misspellings of one another.
package func nearestName(to word: String, among candidates: [String]) -> String? {
  let letters = Array(word.lowercased())
  func isOtherNumber(_ candidate: String) -> Bool {
    let other = candidate.lowercased()
    return String(letters) != other && letters.filter { !$0.isNumber } == Array(other).filter { !$0.isNumber }
  }
  return
    candidates
    .filter { !isOtherNumber($0) }
    .map { (name: $0, changes: changes(from: letters, to: Array($0.lowercased()))) }
    .filter { $0.changes <= max(1, letters.count / 3) && 2 * $0.changes < min(letters.count, $0.name.count) }
    .min { $0.changes < $1.changes }?
    .name
}

/// How many letters must be put in, left out, exchanged or swapped with the next (Damerau 1964, each letter changed once).
private func changes(from word: [Character], to other: [Character]) -> Int {
  // How far the first letters of `word`, as many as the row says, are from each beginning of `other`.
  var (before, last) = ([Int](), Array(0...other.count))
  for row in word.indices {
    var next = [row + 1]
    for column in other.indices {
      let exchanged = last[column] + (word[row] == other[column] ? 0 : 1)
      var least = min(exchanged, next[column] + 1, last[column + 1] + 1)
      if row > 0, column > 0, word[row] == other[column - 1], word[row - 1] == other[column] {
        least = min(least, before[column - 1] + 1)
      }
      next.append(least)
    }
    (before, last) = (last, next)
  }
  return last[other.count]
}
