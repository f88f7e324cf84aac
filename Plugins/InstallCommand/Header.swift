// What lockstep.h says: the functions that the library exports, and its versions. They are said nowhere else.

import Foundation

/// The C interface as its header declares it.
struct Header {
  let url: URL
  /// The names of the functions.
  let functions: [String]
  /// Such as 0.1.0.
  let version: String
  private let binaryVersion: String

  /// - Throws: `InstallError` where the header does not say one of these.
  init(_ url: URL) throws {
    self.url = url
    let text = try String(contentsOf: url, encoding: .utf8)
    func definition(of name: String) throws -> String {
      for line in text.split(separator: "\n") where line.hasPrefix("#define \(name) ") {
        return line.dropFirst("#define \(name) ".count).trimmingCharacters(in: CharacterSet(charactersIn: "\""))
      }
      throw InstallError("\(url.path) does not define \(name)")
    }
    version = try definition(of: "LOCKSTEP_VERSION")
    binaryVersion = try definition(of: "LOCKSTEP_ABI_VERSION")
    // A declaration begins a line with its result, which no comment does.
    functions = text.matches(of: /(?m)^[a-z][a-z0-9_ ]*[ *](lockstep_[a-z0-9_]+)\(/).map { String($0.1) }
  }

  /// The name that programs are linked with.
  var soname: String { "liblockstep.so.\(binaryVersion)" }

  /// What makes `objcopy` keep these functions to be seen, and nothing else.
  var exports: [String] { functions.map { "--keep-global-symbol=\($0)" } }

  /// What makes the linker export these functions and nothing else.
  var exportMap: String { "{ global: \(functions.map { "\($0); " }.joined())local: *; };\n" }
}
