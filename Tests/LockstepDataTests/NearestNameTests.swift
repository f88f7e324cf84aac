// What a misspelled name probably stands for.

import Testing

@testable import LockstepData

@Suite struct NearestNameTests {
  static let cases: [(word: String, names: [String], nearest: String?)] = [
    ("trian", ["train", "predict"], "train"), ("evlauate", ["train", "evaluate"], "evaluate"),
    ("Price", ["price"], "price"), ("prcie", ["price", "prize"], "price"), ("rooms", ["room"], "room"),
    ("xy", ["yx"], nil), ("abc", ["cba"], nil), ("zq", ["seed"], nil), ("", ["a"], nil),
    // Numbered columns are not misspelled: there is no such one.
    ("x64", ["x14", "x4", "x6"], nil), ("pixel785", ["pixel78", "pixel784"], nil), ("2024", ["2023"], nil),
    ("pixle78", ["pixel7", "pixel78"], "pixel78"), ("X64", ["x64"], "x64"),
  ]

  @Test(arguments: cases.indices) func isFoundWhereItIsNear(index: Int) {
    let (word, names, nearest) = Self.cases[index]
    #expect(nearestName(to: word, among: names) == nearest, "\(word)")
  }
}
