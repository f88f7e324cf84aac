// Keeps results from taking the place of what they are made from.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Refuses an output that is one of the inputs, under whatever name.
///
/// - Parameters:
///   - output: the file to be written, if there is one.
///   - option: the option that names it.
///   - inputs: the files to be read.
/// - Throws: ``UsageError``.
func checkOutput(_ output: String?, of option: some OptionDeclaration, overwritesNone inputs: [String]) throws {
  guard let output, let written = FileIdentity(output) else { return }
  guard let input = inputs.first(where: { FileIdentity($0) == written }) else { return }
  throw UsageError(
    description: "--\(option.name) \(output) would overwrite \(input == output ? "an input" : "the input \(input)"); "
      + "name another file")
}

/// What two names of one regular file have in common.
private struct FileIdentity: Equatable {
  private let device: dev_t
  private let number: ino_t

  /// `nil` where there is no such file, or it is a device or a pipe, which cannot be overwritten.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    (device, number) = (status.st_dev, status.st_ino)
  }
}

/// Whether there is anything at `path`.
func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 }

/// Whether `path` names a file that can be read more than once, unlike a pipe.
func isOrdinaryFile(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
}
