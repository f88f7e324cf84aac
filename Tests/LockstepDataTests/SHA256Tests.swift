// SHA-256 against values that are published.

import Foundation
import LockstepData
import Testing

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
    #expect(SHA256.digest(of: message.utf8) == digest)
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("lockstep-\(UUID().uuidString)")
    try Data(message.utf8).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    #expect(try SHA256.digest(ofFile: url.path) == digest)
  }

  @Test(arguments: ["/nowhere/data.csv", NSTemporaryDirectory(), "/dev/null"])
  func whatIsNoOrdinaryFileIsRefused(path: String) {
    let error = #expect(throws: SHA256Error.self) { try SHA256.digest(ofFile: path) }
    #expect(error?.file == path)
  }
}
