// Arrays of NumPy's and of MNIST's format, and packed files: what make_fixtures.py has written is read as it was meant.

import ComputeBackend
import Foundation
import LockstepData
import Testing

/// The path of a file in `Fixtures`.
func fixture(_ name: String) throws -> String {
  try #require(Bundle.module.path(forResource: "Fixtures/\(name)", ofType: nil))
}

/// The bytes of a file in `Fixtures`.
func fixtureBytes(_ name: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: try fixture(name))))
}

/// Puts files into a folder of their own for as long as `body` runs, which gets the path of the first.
func withFiles<Result>(_ files: KeyValuePairs<String, [UInt8]>, _ body: (String) throws -> Result) throws -> Result {
  let folder = NSTemporaryDirectory() + "lockstep-" + UUID().uuidString
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  for (name, bytes) in files { try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
  return try body("\(folder)/\(files[0].key)")
}

/// All numbers of a table.
private func numbers<Element: KernelElement>(_ table: DataTable, as _: Element.Type) throws -> [Element] {
  try table.matrix(columns: table.columnNames, as: Element.self).elements
}

/// What the fixtures hold for an element of this type: see make_fixtures.py.
private func expected(_ type: String) -> [Double] {
  let numbers = (0..<5).flatMap { row in (0..<3).map { column in Double(3 * row + column - 4) } }
  switch type.first {
  case "b": return numbers.map { $0.remainder(dividingBy: 2) == 0 ? 0 : 1 }
  case "u": return numbers.map(abs)
  default: return numbers
  }
}

@Suite struct ArrayReadingTests {
  @Test(arguments: ["b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
  func everyTypeIsReadInEitherOrder(type: String) throws {
    for order in ["little", "big"] where order == "little" || !type.hasSuffix("1") {
      let table = try DataTable(contentsOf: fixture("\(order)-\(type).npy"))
      #expect(table.columnNames == ["x0", "x1", "x2"])
      #expect(table.rowCount == 5)
      #expect(try numbers(table, as: Double.self) == expected(type))
      #expect(try numbers(table, as: Float.self) == expected(type).map { Float($0) })
      #expect(try table.text(ofColumn: "x0") == (0..<5).map { "\(Int(expected(type)[3 * $0]))" })
    }
  }

  @Test(arguments: [0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E])
  func everyTypeOfIDXIsRead(code: Int) throws {
    let table = try DataTable(contentsOf: fixture("type-\(code < 16 ? "0" : "")\(String(code, radix: 16)).idx"))
    #expect(table.columnNames == ["pixel1", "pixel2", "pixel3"])
    #expect(try numbers(table, as: Double.self) == expected(code == 0x08 ? "u1" : "i1"))
  }

  @Test(arguments: ["version-2.npy", "version-3.npy", "packed.npy.gz"])
  func otherVersionsAndPackedFilesAreTheSame(name: String) throws {
    #expect(try numbers(DataTable(contentsOf: fixture(name)), as: Float.self) == expected("f4").map { Float($0) })
  }

  @Test func theOrderOfAnArrayInItsFileDoesNotMatter() throws {
    for name in ["fortran.npy", "fortran-big.npy"] {
      let table = try DataTable(contentsOf: fixture(name))
      #expect(try numbers(table, as: Double.self) == expected("f4"))
      #expect(try table.matrix(columns: ["x2", "x0"], as: Float.self).elements == [-2, -4, 1, -1, 4, 2, 7, 5, 10, 8])
      #expect(try table.text(ofColumn: "x1") == ["-3", "0", "3", "6", "9"])
    }
    let images = try DataTable(contentsOf: fixture("fortran-images.npy"))
    #expect(images.columnNames == (0..<12).map { "x\($0)" })
    #expect(try numbers(images, as: Double.self) == (0..<24).map(Double.init))
    #expect(try images.text(ofColumn: "x7") == ["7", "19"])
  }

  /// Nothing but the numbers takes memory: 256 bytes a column, and the file.
  @Test func transposingTakesNoMemory() throws {
    let size = try fixtureBytes("fortran.npy").count + 3 * 256 + 5 * 3 * 4
    let table = try DataTable(contentsOf: fixture("fortran.npy"), options: DataOptions(memoryLimit: size))
    #expect(try numbers(table, as: Float.self).count == 15)
  }

  @Test func axesBehindTheFirstAreColumns() throws {
    let images = try DataTable(contentsOf: fixture("images.npy"))
    #expect(images.columnNames == (0..<12).map { "x\($0)" })
    #expect(try numbers(images, as: Float.self) == (0..<24).map { Float($0) })
    let vector = try DataTable(contentsOf: fixture("vector.npy"))
    #expect(vector.columnNames == ["x"])
    #expect(try numbers(vector, as: Float.self) == [0, 1, 2, 0, 1])
  }

  @Test func columnsOfArraysComeInTheOrderAskedFor() throws {
    let table = try DataTable(contentsOf: fixture("little-f4.npy"))
    let numbers = try table.matrix(columns: ["x2", "x0", "x2"], as: Double.self)
    #expect(numbers == Matrix(rows: 5, columns: 3, elements: [-2, -4, -2, 1, -1, 1, 4, 2, 4, 7, 5, 7, 10, 8, 10]))
  }

  @Test(arguments: ["stored.npz", "compressed.npz"])
  func arraysOfAnArchiveStandBesideOneAnother(name: String) throws {
    let table = try DataTable(contentsOf: fixture(name))
    #expect(table.columnNames == ["x0", "x1", "x2", "y"])
    #expect(try table.matrix(columns: ["y", "x1"], as: Float.self).elements == [0, -3, 1, 0, 2, 3, 0, 6, 1, 9])
  }

  @Test func arraysAreChosenByName() throws {
    let path = try fixture("mnist-like.npz")
    let error = #expect(throws: DataError.self) { try DataTable(contentsOf: path) }
    #expect(error.map { "\($0)" }?.contains("(\"x_train\": 5, \"y_train\": 5, \"x_test\": 2, \"y_test\": 2)") == true)
    let test = try DataTable(contentsOf: path, options: DataOptions(arrays: ["y_test", "x_test"]))
    #expect(test.columnNames == ["y_test", "x_test0", "x_test1", "x_test2"])
    #expect(try numbers(test, as: Double.self) == [0, -4, -3, -2, 1, -1, 0, 1])
    let none = #expect(throws: DataError.self) { try DataTable(contentsOf: path, options: DataOptions(arrays: [])) }
    #expect(none?.problem == .noArrays)
    let labelled = DataOptions(arrays: ["x_train"], labels: try fixture("stored.npz"))
    #expect(try DataTable(contentsOf: path, options: labelled).labelColumns == ["x0", "x1", "x2", "y"])
    let missing = #expect(throws: DataError.self) {
      try DataTable(contentsOf: path, options: DataOptions(arrays: ["x_tran"]))
    }
    #expect(
      missing?.problem
        == .unknownArray(name: "x_tran", nearest: "x_train", arrays: ["x_train", "y_train", "x_test", "y_test"]))
  }

  @Test(arguments: ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz"])
  func labelsAreFoundBesideImages(name: String) throws {
    let table = try DataTable(contentsOf: fixture(name))
    #expect(table.columnNames == ["pixel1", "pixel2", "pixel3", "pixel4", "label"])
    #expect(table.labelColumns == ["label"])
    #expect(try table.matrix(columns: ["label", "pixel4"], as: Float.self).elements.prefix(4) == [0, 3, 1, 7])
    #expect(try table.holdsClasses(inColumn: "label") && !table.holdsClasses(inColumn: "pixel1"))
  }

  @Test func labelsAreFoundUnderEveryUsualName() throws {
    let images = try fixtureBytes("train-images-idx3-ubyte")
    let labels = try fixtureBytes("train-labels-idx1-ubyte")
    try withFiles(["a-images.idx3-ubyte": images, "a-labels.idx1-ubyte": labels]) { path in
      let table = try DataTable(contentsOf: path)
      #expect(table.columnNames.last == "label")
    }
    let packed = try fixtureBytes("t10k-labels-idx1-ubyte.gz")
    try withFiles(["images-idx3-ubyte": images, "labels-idx1-ubyte.gz": packed]) { path in
      let error = #expect(throws: DataError.self) { try DataTable(contentsOf: path) }
      #expect(error?.problem == .labelRows(expected: 5, found: 2))
      #expect(error?.file.hasSuffix("/labels-idx1-ubyte.gz") == true)
    }
    try withFiles(["images-idx3-ubyte": images]) { path in
      let table = try DataTable(contentsOf: path)
      #expect(table.labelColumns == [])
    }
  }

  @Test func labelsMayBeOfAnotherFormat() throws {
    let options = DataOptions(labels: try fixture("vector.npy"))
    let table = try DataTable(contentsOf: fixture("little-f4.npy"), options: options)
    #expect(table.columnNames == ["x0", "x1", "x2", "label"])
    let both = try DataTable(contentsOf: fixture("little-f4.npy"), options: DataOptions(labels: fixture("table.csv")))
    #expect(both.columnNames == ["x0", "x1", "x2", "size", "colour", "month", "species"])
    #expect(try both.matrix(columns: ["month", "x0"], as: Float.self).elements == [1, -4, 12, -1, 2, 2, 10, 5, 1, 8])
    let twice = #expect(throws: DataError.self) {
      try DataTable(contentsOf: fixture("table.csv"), options: DataOptions(labels: fixture("table.csv")))
    }
    #expect(twice?.problem == .labelColumn(name: "size"))
  }

  @Test(arguments: ["table.csv", "table.csv.gz", "joined.csv.gz", "semicolons.csv", "tabs.tsv"])
  func tablesOfAnySeparatorAreTheSame(name: String) throws {
    let options = DataOptions(delimiter: name.hasPrefix("semicolons") ? .semicolon : nil)
    let table = try DataTable(contentsOf: fixture(name), options: options)
    #expect(table.columnNames == ["size", "colour", "month", "species"])
    #expect(try table.matrix(columns: ["size"], as: Double.self).elements == [1.5, -2.25, 0.1, 0.001, 12345678.9])
    #expect(try table.text(ofColumn: "colour") == ["red", "blue", "red", "crème, \"pale\"", "blue"])
    #expect(try table.place(ofRow: 3, column: "month") == "\(fixture(name)), line 5")
  }
}
