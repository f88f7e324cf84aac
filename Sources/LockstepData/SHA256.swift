// The SHA-256 of bytes as they come, which tells whether two files are the same, over OpenSSL's libcrypto.

import CCrypto

/// The SHA-256 (FIPS 180-4) of bytes that are added one after the other.
package final class SHA256 {
  private let context: OpaquePointer

  /// The hash of no bytes yet; `nil` where libcrypto refuses SHA-256.
  package init?() {
    guard let context = EVP_MD_CTX_new() else { return nil }
    self.context = context
    guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else { return nil }
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Adds bytes.
  package func add(_ bytes: UnsafeRawBufferPointer) { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }

  /// The hash as `sha256sum` prints it, 64 hexadecimal digits. Nothing may be added afterwards.
  package func finished() -> String {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    EVP_DigestFinal_ex(context, &digest, &count)
    return digest.prefix(Int(count)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}
