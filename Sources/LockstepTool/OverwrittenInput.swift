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

/// Refuses outputs that lead to one file, or to one of the inputs, under whatever name; besides, names that promise what is not
/// written there.
///
/// - Parameters:
///   - outputs: the files to be written.
///   - inputs: the files to be read.
/// - Throws: ``UsageError``.
func checkOutputs(_ outputs: [AskedOutput], overwriteNone inputs: [String]) throws {
  var earlier: [(path: String, option: any OptionDeclaration, identity: FileIdentity)] = []
  for case (let path?, let option) in outputs {
    if path == "-" {
      throw UsageError(description: "--\(option.name) - is not standard output, which has the results; name a file")
    }
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
    try checkEnding(path, of: option)
  }
}

/// Refuses a name that ends as those of other kinds of files do.
///
/// - Throws: ``UsageError``.
private func checkEnding(_ path: String, of option: any OptionDeclaration) throws {
  // What the help shows, such as OUT.safetensors, ends as it should.
  guard let usual = ending(of: option.valueName ?? ""), let found = ending(of: path), found != usual else { return }
  let others = ["safetensors", "onnx", "c", "h", "py", "swift", "pt", "pth", "h5", "csv", "npy", "npz", "json", "html"]
  guard others.contains(found) else { return }
  throw UsageError(
    description: "--\(option.name) \(path) would not be what its name says; give it one that ends in .\(usual)")
}

/// What follows the last point of a name, in small letters.
private func ending(of path: String) -> String? {
  guard let point = path.lastIndex(of: "."), !path[point...].contains("/") else { return nil }
  return path[path.index(after: point)...].lowercased()
}

/// Whether there is anything at `path`.
func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 }
