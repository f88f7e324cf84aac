// SHA-256 against values that are published, and of whatever is read.

import Foundation
import Testing

@testable import LockstepData

/// The SHA-256 of bytes that are added in pieces of `size`.
func sha256(_ bytes: some Sequence<UInt8>, inPiecesOf size: Int = .max) throws -> String {
  let hash = try #require(SHA256())
  var rest = Array(bytes)[...]
  while !rest.isEmpty {
    let piece = rest.prefix(size)
    piece.withUnsafeBytes(hash.add)
    rest = rest.dropFirst(piece.count)
  }
  return hash.finished()
}

@Suite struct SHA256Tests {
  /// FIPS 180-4's examples, from NIST's "SHA256" sheet of example values, and the empty message.
  static let published: [(message: String, digest: String)] = [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
  ]

  @Test(arguments: published) func publishedValuesAreMet(message: String, digest: String) throws {
    #expect(try sha256(message.utf8) == digest)
    #expect(try sha256(message.utf8, inPiecesOf: 13) == digest)
  }

  @Test(
    arguments: [
      "table.csv", "table.csv.gz", "joined.csv.gz", "little-f4.npy", "packed.npy.gz", "stored.npz", "compressed.npz",
      "type-0e.idx",
    ])
  func whatIsReadIsHashedAsItLies(name: String) throws {
    let options = DataOptions(takesSHA256: true)
    let table = try DataTable(contentsOf: fixture(name), options: options)
    #expect(try table.sha256 == sha256(fixtureBytes(name)))
    #expect(table.labelsSHA256 == nil)
    #expect(try DataTable(contentsOf: fixture(name)).sha256 == nil)
  }

  @Test func labelsHaveTheirOwn() throws {
    let options = DataOptions(takesSHA256: true)
    let table = try DataTable(contentsOf: fixture("t10k-images-idx3-ubyte.gz"), options: options)
    #expect(try table.sha256 == sha256(fixtureBytes("t10k-images-idx3-ubyte.gz")))
    #expect(try table.labelsSHA256 == sha256(fixtureBytes("t10k-labels-idx1-ubyte.gz")))
  }

  /// Larger than every buffer on the way, packed or not, from a pipe too.
  @Test func largeFilesAreHashedToTheEnd() throws {
    let text = Array("x\n".utf8) + (0..<200_000).flatMap { Array("\($0 * 7919 % 1_000_003)\n".utf8) }
    let packed = try withFiles(["d": text]) { try Process.output(of: "gzip", "-nc", $0) }
    for bytes in [text, packed] {
      let expected = try sha256(bytes)
      let options = DataOptions(takesSHA256: true)
      #expect(try withFiles(["d": bytes]) { try DataTable(contentsOf: $0, options: options) }.sha256 == expected)
      let piped = try withPipe(bytes) { try DataTable(contentsOf: $0, options: options) }
      #expect(piped.sha256 == expected)
      #expect(piped.rowCount == 200_000)
    }
  }
}
