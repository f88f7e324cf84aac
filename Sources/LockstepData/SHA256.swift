// The SHA-256 of files, which tells whether two are the same, over OpenSSL's libcrypto.

import CCrypto

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Why a file has no SHA-256.
public struct SHA256Error: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file, as the caller named it.
  public let file: String
  /// The reason, as a clause.
  public let reason: String

  public var description: String { "\(file): the SHA-256 cannot be computed (\(reason))" }
}

/// The SHA-256 of files (FIPS 180-4), as `sha256sum` prints it.
public enum SHA256 {
  /// The SHA-256 of the file at `path`: 64 hexadecimal digits.
  ///
  /// - Throws: ``SHA256Error`` for a file that cannot be read. A pipe can be read only once, so it is refused untouched.
  public static func digest(ofFile path: String) throws(SHA256Error) -> String {
    var status = stat()
    guard stat(path, &status) == 0 else { throw SHA256Error(file: path, reason: String(cString: strerror(errno))) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw SHA256Error(file: path, reason: "it is no ordinary file; name one on the disk")
    }
    guard let stream = fopen(path, "r") else {
      throw SHA256Error(file: path, reason: String(cString: strerror(errno)))
    }
    defer { fclose(stream) }
    guard let hash = Hash() else { throw SHA256Error(file: path, reason: "libcrypto refuses SHA-256") }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&buffer, 1, buffer.count, stream)
      hash.add(buffer[..<count])
      if count == buffer.count { continue }
      guard ferror(stream) == 0 else { throw SHA256Error(file: path, reason: String(cString: strerror(errno))) }
      return hash.digits
    }
  }

  /// The SHA-256 of `bytes`: 64 hexadecimal digits; `nil` where libcrypto refuses it.
  public static func digest(of bytes: some Sequence<UInt8>) -> String? {
    guard let hash = Hash() else { return nil }
    hash.add(Array(bytes)[...])
    return hash.digits
  }

  private final class Hash {
    private let context: OpaquePointer

    init?() {
      guard let context = EVP_MD_CTX_new() else { return nil }
      self.context = context
      guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else { return nil }
    }

    deinit { EVP_MD_CTX_free(context) }

    func add(_ bytes: ArraySlice<UInt8>) {
      bytes.withUnsafeBytes { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    var digits: String {
      var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
      var count: UInt32 = 0
      EVP_DigestFinal_ex(context, &digest, &count)
      return digest.prefix(Int(count)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
  }
}
