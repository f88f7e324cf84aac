// Keeps results from taking the place of what they are made from, and of one another. Which names lead to one file, FileIdentity
// tells.

import FileWriting

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file that a command is to write, if it is asked for, with the option that names it.
typealias AskedOutput = (path: String?, option: any OptionDeclaration)

/// Refuses outputs that lead to one file, or to one of the inputs, under whatever name.
///
/// - Parameters:
///   - outputs: the files to be written.
///   - inputs: the files to be read.
/// - Throws: ``UsageError``.
func checkOutputs(_ outputs: [AskedOutput], overwriteNone inputs: [String]) throws {
  var earlier: [(path: String, option: any OptionDeclaration, identity: FileIdentity)] = []
  for case (let path?, let option) in outputs {
    guard let identity = FileIdentity(path) else { continue }
    if let input = inputs.first(where: { FileIdentity($0) == identity }) {
      throw UsageError(
        description: "--\(option.name) \(path) would overwrite \(input == path ? "an input" : "the input \(input)"); "
          + "name another file")
    }
    if let other = earlier.first(where: { $0.identity == identity }) {
      let names =
        other.path == path
        ? "--\(other.option.name) and --\(option.name) both name \(path)"
        : "--\(other.option.name) \(other.path) and --\(option.name) \(path) are the same file"
      throw UsageError(description: "\(names); each needs a file of its own")
    }
    earlier.append((path, option, identity))
  }
}

/// Whether there is anything at `path`.
func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 }
