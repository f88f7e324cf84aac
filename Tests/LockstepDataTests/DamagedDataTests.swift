// Files that break a rule of their format: each is refused with a sentence, no bytes trap, and no header is believed.

import ComputeBackend
import Foundation
import LockstepData
import Testing

/// An NPY file of this header, in this version.
private func npy(_ header: String, data: Int = 0, version: UInt8 = 1, length: Int? = nil) -> [UInt8] {
  let length = length ?? header.utf8.count
  let size = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
  return [0x93] + Array("NUMPY".utf8) + [version, 0] + size + Array(header.utf8) + [UInt8](repeating: 0, count: data)
}

private func dictionary(_ descriptor: String = "<f4", _ order: String = "False", _ shape: String = "(2, 3)") -> String {
  "{'descr': '\(descriptor)', 'fortran_order': \(order), 'shape': \(shape), }\n"
}

/// An IDX file of these sizes.
private func idx(_ code: UInt8, _ sizes: [UInt32], data: Int) -> [UInt8] {
  [0, 0, code, UInt8(sizes.count)]
    + sizes.flatMap { size in (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) } }
    + [UInt8](repeating: 0, count: data)
}

/// The error of reading all columns of a file, if there is one.
private func error(_ path: String, options: DataOptions = DataOptions()) throws -> DataError? {
  do throws(DataError) {
    let table = try DataTable(contentsOf: path, options: options)
    _ = try table.matrix(columns: table.columnNames, as: Float.self)
    return nil
  } catch {
    let sentence = error.description
    #expect(sentence.hasPrefix(error.file) && sentence.hasSuffix("."))
    #expect(!sentence.contains("\n"))
    return error
  }
}

private func problem(_ bytes: [UInt8], named name: String = "data") throws -> DataError.Problem? {
  try withFiles([name: bytes]) { path in try error(path)?.problem }
}

@Suite struct DamagedDataTests {
  struct Case: Sendable, CustomStringConvertible {
    var bytes: [UInt8]
    var problem: DataError.Problem
    var description: String { "\(problem)" }

    init(_ bytes: [UInt8], _ problem: DataError.Problem) { (self.bytes, self.problem) = (bytes, problem) }
  }

  private static let strange = DataError.Problem.badHeader("the header is not what numpy.save writes")

  static let arrays = [
    Case(npy(""), strange),
    Case(Array(npy("").prefix(6)), .badHeader("the file ends within its header")),
    Case(Array(npy("", version: 2).prefix(11)), .badHeader("the file ends within its header")),
    Case(npy(dictionary(), version: 4), .unknownVersion(4)),
    Case(npy("{}", length: 3), .badHeader("the header claims 3 bytes, and only 2 follow")),
    Case(npy("{}", version: 2, length: 1 << 31), .badHeader("the header claims 2147483648 bytes, and only 2 follow")),
    Case(npy("{}"), .badHeader("the header is no dictionary of descr, fortran_order and shape")),
    Case(npy("{'descr': '<f4'}"), .badHeader("the header is no dictionary of descr, fortran_order and shape")),
    Case(npy(dictionary() + "}"), .badHeader("the header is no dictionary of descr, fortran_order and shape")),
    Case(npy("{'a': 1}"), .badHeader("the header has an unknown or repeated entry \"a\"")),
    Case(
      npy("{'shape': (1,), 'shape': (1,)}"), .badHeader("the header has an unknown or repeated entry \"shape\"")),
    Case(npy("{'shape': (-1,)}"), strange),
    Case(npy("{'shape': (1 2)}"), strange),
    Case(npy("{'shape': 1}"), strange),
    Case(npy("{'fortran_order': 0}"), strange),
    Case(npy("{'descr': <f4}"), strange),
    Case(npy("{'descr"), strange),
    Case(npy(dictionary("<f2"), data: 12), .unsupportedType("<f2")),
    Case(npy(dictionary("<c8"), data: 48), .unsupportedType("<c8")),
    Case(npy(dictionary("|O"), data: 48), .unsupportedType("|O")),
    Case(npy(dictionary("|f4"), data: 24), .unsupportedType("|f4")),
    Case(npy(dictionary(""), data: 24), .unsupportedType("")),
    Case(npy("{'descr': [('a', '<f4')]}"), .unsupportedType("a record")),
    Case(npy(dictionary("<f4", "True"), data: 23), .cutShort(shape: [2, 3], expected: 24, found: 23)),
    Case(npy(dictionary("<f4", "True", "(2, 0)")), .noColumns(shape: [2, 0])),
    Case(
      npy(dictionary("<f8", "True", "(1152921504606846976, 16)"), data: 8),
      .cutShort(shape: [1 << 60, 16], expected: nil, found: 8)),
    Case(npy(dictionary("<f4", "False", "()"), data: 4), .noColumns(shape: [])),
    Case(npy(dictionary("<f4", "False", "(2, 0)")), .noColumns(shape: [2, 0])),
    Case(npy(dictionary("<f4", "False", "(1152921504606846976, 0)")), .noColumns(shape: [1 << 60, 0])),
    Case(npy(dictionary("<f4", "False", "(0, 3)")), .noRows),
    Case(npy(dictionary("<f4", "False", "(0, 1152921504606846976)")), .noRows),
    Case(npy(dictionary(), data: 23), .cutShort(shape: [2, 3], expected: 24, found: 23)),
    Case(npy(dictionary(), data: 25), .bytesAfterTheEnd(shape: [2, 3], expected: 24, found: 25)),
    Case(
      npy(dictionary("<f4", "False", "(1152921504606846976,)"), data: 4),
      .cutShort(shape: [1 << 60], expected: 1 << 62, found: 4)),
    Case(
      npy(dictionary("<f8", "False", "(1152921504606846976, 16)"), data: 8),
      .cutShort(shape: [1 << 60, 16], expected: nil, found: 8)),
    Case(
      npy(dictionary("<f4", "False", "(99999999999999999999,)"), data: 4),
      .cutShort(shape: [.max], expected: nil, found: 4)),
    Case(idx(0x08, [], data: 1), .noColumns(shape: [])),
    Case(idx(0x08, [2, 0], data: 0), .noColumns(shape: [2, 0])),
    Case(idx(0x08, [0, 28, 28], data: 0), .noRows),
    Case(idx(0x08, [2, 2], data: 3), .cutShort(shape: [2, 2], expected: 4, found: 3)),
    Case(idx(0x0E, [2, 2], data: 33), .bytesAfterTheEnd(shape: [2, 2], expected: 32, found: 33)),
    Case(
      idx(0x0C, [.max, .max, .max], data: 3),
      .cutShort(shape: [Int(UInt32.max), Int(UInt32.max), Int(UInt32.max)], expected: nil, found: 3)),
    Case(
      Array(idx(0x08, [2, 2], data: 0).dropLast()),
      .badHeader("the header promises the sizes of 2 axes, and the file ends within them")),
  ]

  @Test(arguments: arrays)
  func aBrokenArrayIsRefused(_ broken: Case) throws {
    #expect(try problem(broken.bytes) == broken.problem)
  }

  @Test(
    arguments: [
      ("half.npy", .unsupportedType("<f2")), ("text.npy", .unsupportedType("<U1")),
      ("objects.npy", .unsupportedType("|O")), ("record.npy", .unsupportedType("a record")), ("no-rows.npy", .noRows),
      ("nan.npy", .notFinite(text: "nan", precision: .f32)), ("large.npy", .notFinite(text: "1e+300", precision: .f32)),
    ] as [(String, DataError.Problem)])
  func whatNumPyWritesAndIsNotReadIsNamed(name: String, expected: DataError.Problem) throws {
    #expect(try error(fixture(name))?.problem == expected)
  }

  @Test func aNumberThatIsNotFiniteIsFound() throws {
    let error = try #require(try error(fixture("nan.npy")))
    #expect(error.row == 2 && error.column == "x1" && error.line == nil)
    #expect(
      try DataTable(contentsOf: fixture("large.npy")).matrix(columns: ["x1"], as: Double.self).elements == [1e300])
  }

  @Test func aNumberThatIsNotFiniteIsFoundByRowsInFortranOrderToo() throws {
    let error = try #require(try error(fixture("fortran-nan.npy")))
    #expect(error.row == 2 && error.column == "x1")
    #expect(error.problem == .notFinite(text: "nan", precision: .f32))
    let first = #expect(throws: DataError.self) {
      try DataTable(contentsOf: fixture("fortran-nan.npy")).matrix(columns: ["x0"], as: Double.self)
    }
    #expect(first?.row == 3 && first?.column == "x0")
  }

  @Test func textInArraysIsToldHowToBecomeClasses() throws {
    for name in ["text.npy", "objects.npy"] {
      #expect(try error(fixture(name)).map { "\($0)" }?.contains("numpy.unique(x.astype(str)") == true)
    }
    #expect(try error(fixture("record.npy")).map { "\($0)" }?.contains("structured_to_unstructured") == true)
    #expect(try error(fixture("half.npy")).map { "\($0)" }?.contains("x.astype(numpy.float32)") == true)
  }

  /// What is no table at all is called by its name, whatever its own says.
  @Test func foreignFormatsAreNamed() throws {
    let files: [([UInt8], String)] = [
      ([0xFD] + Array("7zXZ\0".utf8), "unxz"), ([0x28, 0xB5, 0x2F, 0xFD, 0], "unzstd"),
      (Array("PAR1\u{15}".utf8) + [0, 1], "Parquet"), ([0x80, 2, 0x8A], "pickle"),
      ([0x89] + Array("PNG".utf8), "image"),
      ([0x89] + Array("HDF\r\n".utf8), "HDF5"), ([0xFF, 0xFE, 0x61, 0], "UTF-16"), ([0xD0, 0xCF, 0x11, 0xE0], "Excel"),
      ([2, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8), "safetensors"),
      (Array("{\"a\": 1, \"b\": 2}\n".utf8), "JSON"), (Array("[\n {\"a\": 1}\n]".utf8), "JSON"),
      (Array("<!DOCTYPE html>\n<p class=\"a\">1</p>\n".utf8), "HTML"),
      (Array("<?xml version=\"1.0\"?>\n<svg></svg>\n".utf8), "XML"), (Array("<a>\n1,2\n".utf8), "XML"),
      (try fixtureBytes("workbook.xlsx"), "spreadsheet"), (try fixtureBytes("state.pt"), "PyTorch"),
    ]
    for (bytes, name) in files {
      for file in ["data", "data.csv"] {
        let sentence = try withFiles([file: bytes]) { path in try error(path).map { "\($0)" } }
        #expect(sentence?.contains(name) == true && sentence?.contains("no table") == true, "\(sentence ?? "none")")
      }
    }
    // A table may begin like one of them.
    #expect(try problem(Array("<a>,{\n1,2\n".utf8)) == nil)
    #expect(try problem(Array("PAR1,BZh\n1,2\n".utf8)) == nil)
  }

  @Test func aNameThatPromisesAnotherFormatIsRefused() throws {
    let text = Array("a,b\n1,2\n".utf8)
    for (name, format) in [("d.npy", DataFormat.npy), ("d.npz", .npz), ("d-idx3-ubyte", .idx), ("d.NPY", .npy)] {
      #expect(try problem(text, named: name) == .otherFormat(expected: format))
    }
    #expect(try problem(text, named: "d.csv.gz") == .notCompressed)
    // The content counts for more than an ending that promises nothing.
    #expect(try problem(fixtureBytes("little-f4.npy"), named: "d.csv") == nil)
  }

  @Test func packedFilesThatAreDamagedAreRefused() throws {
    let whole = try fixtureBytes("packed.npy.gz")
    for length in 2..<whole.count { #expect(try problem(Array(whole[..<length])) == .compressionCutShort) }
    #expect(try problem(whole + [1, 2, 3]) == .bytesAfterCompression)
    #expect(try problem(whole + [0, 0, 0]) == nil)
    var changed = whole
    changed[whole.count - 6] ^= 1
    #expect(try problem(changed) == .compressionDamaged(reason: "incorrect data check"))
    changed = whole
    changed[10] = 0xFF
    #expect(try problem(changed) == .compressionDamaged(reason: "invalid block type"))
    #expect(try problem(fixtureBytes("joined.csv.gz").dropLast(9) + []) == .compressionCutShort)
  }

  @Test func archivesThatAreDamagedAreRefused() throws {
    let whole = try fixtureBytes("stored.npz")
    // The last three bytes tell of a comment, and minizip does not need them.
    for length in 4..<whole.count - 3 {
      #expect(try problem(Array(whole[..<length])) == .archiveDamaged)
    }
    var changed = whole
    // An element of the first array, which its checksum covers.
    changed[200] ^= 1
    #expect(try problem(changed) == .archiveDamaged)
    // The end of an archive without members, and one of a text alone.
    #expect(try problem([0x50, 0x4B, 5, 6] + [UInt8](repeating: 0, count: 18)) == .archiveDamaged)
    #expect(try error(fixture("no-arrays.npz"))?.problem == .noArrays)
    let twice = try #require(try error(fixture("twice.npz")))
    #expect(twice.problem == .duplicateArray && twice.array == "x")
  }

  @Test func arraysByNameAreForArchives() throws {
    let options = DataOptions(arrays: ["x"])
    #expect(try error(fixture("little-f4.npy"), options: options)?.problem == .noArchive)
    #expect(try error(fixture("table.csv"), options: options)?.problem == .noArchive)
  }

  @Test func moreMemoryThanAllowedIsNotTaken() throws {
    func problem(_ name: String, limit: Int) throws -> DataError.Problem? {
      try error(fixture(name), options: DataOptions(memoryLimit: limit))?.problem
    }
    // The file, 256 bytes a column, and the Floats.
    let size = 188 + 3 * 256 + 60
    #expect(try problem("little-f4.npy", limit: size) == nil)
    #expect(try problem("little-f4.npy", limit: size - 1) == .tooLarge(bytes: size, limit: size - 1))
    #expect(try problem("little-f4.npy", limit: 187) == .tooLarge(bytes: 188, limit: 187))
    #expect(try problem("stored.npz", limit: 100) == .tooLarge(bytes: 188, limit: 100))
    // How much a packed file holds is known only once it is unpacked.
    #expect(try problem("packed.npy.gz", limit: 150) == .tooLarge(bytes: nil, limit: 150))
    #expect(
      try error(fixture("table.csv"), options: DataOptions(memoryLimit: 10)).map { "\($0)" }?
        .hasSuffix(
          "the data needs 116 bytes of memory, and the limit is 10 bytes; take fewer rows or columns, or raise the "
            + "limit (for the tool: --memory-limit).") == true)
  }

  @Test func aBombIsNotUnpacked() throws {
    // 64 MB of zeros in 64 kB.
    let options = DataOptions(memoryLimit: 1 << 20)
    let bomb = try Process.output(of: "sh", "-c", "head -c 67108864 /dev/zero | gzip -n")
    #expect(bomb.count < 1 << 17)
    let problem = try withFiles(["bomb.gz": bomb]) { path in try error(path, options: options)?.problem }
    #expect(problem == .tooLarge(bytes: nil, limit: 1 << 20))
  }

  @Test func changedFilesAreReadOrRefusedButNeverTrap() throws {
    var generator = SplitMix(state: 3)
    let names = [
      "little-f4.npy", "big-f8.npy", "images.npy", "little-b1.npy", "stored.npz", "compressed.npz", "packed.npy.gz",
      "joined.csv.gz", "table.csv", "semicolons.csv", "train-images-idx3-ubyte", "type-0e.idx",
    ]
    let originals = try names.map { try fixtureBytes($0) }
    let inserts = Array("\"'{}()[]:,;0123456789-eE. \n".utf8) + [0, 0xFF, 0xC3, 0x50, 0x4B]
    var refused = 0
    for _ in 0..<1500 {
      var bytes = originals.randomElement(using: &generator)!
      for _ in 0...Int.random(in: 0..<3, using: &generator) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[place] = inserts.randomElement(using: &generator)!
        case 1: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
        case 2: bytes.insert(inserts.randomElement(using: &generator)!, at: place)
        default: bytes.removeSubrange(place...)
        }
      }
      let options = DataOptions(memoryLimit: 1 << 24)
      if try withFiles(["data": bytes], { path in try error(path, options: options) }) != nil { refused += 1 }
    }
    #expect(refused > 500)
  }
}

extension Process {
  /// The standard output of a command.
  static func output(of words: String...) throws -> [UInt8] {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Array(data)
  }
}
