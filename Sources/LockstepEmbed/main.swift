// What the plugin EmbedNetworks runs for each model file of a target: it writes the Swift source of the file's type.

import FileWriting

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The file's name, without its folder and without its ending.
func stem(ofPath path: String) -> String {
  let name = path.split(separator: "/").last ?? ""
  return String(name.hasSuffix(".safetensors") ? name.dropLast(".safetensors".count) : name)
}

/// Writes `output` for `path`.
func embed(_ path: String, to output: String, beside others: [String]) throws {
  guard let name = SwiftNames.type(ofFile: stem(ofPath: path)) else { throw EmbeddingError.noName }
  if let other = others.first(where: { $0 != path && SwiftNames.type(ofFile: stem(ofPath: $0)) == name }) {
    throw EmbeddingError.sameName(type: name, other: other)
  }
  let source = try EmbeddedSource(
    NetworkFile(contentsOf: path), typeName: name, fileName: "\(stem(ofPath: path)).safetensors")
  var file = try OutputFile(.path(output))
  try file.write(source.text[...])
  try file.finish()
}

let words = Array(CommandLine.arguments.dropFirst())
do {
  guard words.count >= 2 else { throw EmbeddingError.arguments }
  try embed(words[0], to: words[1], beside: Array(words[2...]))
} catch {
  let line = diagnostic(error, file: words.first ?? "LockstepEmbed") + "\n"
  _ = Array(line.utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  exit(1)
}
