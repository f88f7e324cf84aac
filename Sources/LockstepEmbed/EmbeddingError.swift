// Why a model file cannot become a Swift type, in the form in which compilers complain.

/// What is wrong with embedding a file that is a sound network.
enum EmbeddingError: Error, Equatable {
  /// The command line is not that of the plugin.
  case arguments
  /// The file's name has neither a letter nor a digit.
  case noName
  /// Another file of the target gives a type of the same name.
  case sameName(type: String, other: String)
  /// More bytes of parameters than the compiler can be trusted with.
  case tooLarge(bytes: Int)
}

extension EmbeddingError: CustomStringConvertible {
  var description: String {
    switch self {
    case .arguments: "the arguments are MODEL.safetensors OUTPUT.swift, then the other model files of the target."
    case .noName: "the file's name has no letter and no digit to name a type by; rename it."
    case .sameName(let type, let other):
      "its type would be called \(type), as that of \(other); rename one of the files."
    case .tooLarge(let bytes):
      """
      the parameters take \(bytes) bytes, more than the \(EmbeddedSource.maximumParameterBytes) that can be compiled into \
      a program; load the file at run time, with NetworkFile.
      """
    }
  }
}

/// `error` about `file` as one line that editors and build tools find: `FILE: error: MESSAGE`.
func diagnostic(_ error: any Error, file: String) -> String {
  if case NetworkFileError.network(_, nil, .unknownActivation) = error {
    // Its sentence asks for a name that nobody can give here.
    return """
      \(file): error: the file has activations between its layers but does not say which; save it with the entry \
      lockstep.activations in its metadata, the activation of each layer as a JSON array such as ["relu", "identity"].
      """
  }
  var message = "\(error)"
  // The sentences about files begin with the file, and maybe a tensor in it.
  if message.hasPrefix(file) { message = String(message.dropFirst(file.count).drop { ",: ".contains($0) }) }
  return "\(file): error: \(message)"
}
