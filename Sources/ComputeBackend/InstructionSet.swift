// The instruction sets that kernels exist for.

/// An instruction set that a backend has kernels for.
public enum InstructionSet: String, Sendable, CaseIterable {
  /// One element at a time.
  case scalar
  /// 256-bit vectors and fused multiply-add: x86-64-v3.
  case avx2
  /// 512-bit vectors: x86-64-v4.
  case avx512
  /// 128-bit vectors: every arm64.
  case neon
}
