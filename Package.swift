// swift-tools-version: 6.3
// Lockstep: dense neural-network kernels that give the same bits on every backend.
//
// Arrows between modules run one way: tool -> Lockstep -> backends -> ComputeBackend. No backend imports another, and
// nothing below Lockstep imports Foundation.

import Foundation
import PackageDescription

// MARK: - OpenMP

/// Where the OpenMP run-time library lies on the machine that builds.
///
/// Debian keeps it below `/usr/lib/llvm-*`, off the default search paths. `LOCKSTEP_LIBOMP=DIR` names another
/// installation (one that holds `lib/libomp.so`); a folder without one builds as on a machine that lacks OpenMP.
let libompDirectory: String? = {
  let fileManager = FileManager.default
  func hasLibrary(_ root: String) -> Bool {
    ["so", "dylib"].contains { fileManager.fileExists(atPath: "\(root)/lib/libomp.\($0)") }
  }
  if let named = Context.environment["LOCKSTEP_LIBOMP"] {
    return hasLibrary(named) ? "\(named)/lib" : nil
  }
  let debian = ((try? fileManager.contentsOfDirectory(atPath: "/usr/lib")) ?? [])
    .filter { $0.hasPrefix("llvm-") }
    .sorted { $0.compare($1, options: .numeric) == .orderedDescending }
    .map { "/usr/lib/\($0)" }
  return (debian + ["/usr/local", "/usr"]).first(where: hasLibrary).map { "\($0)/lib" }
}()

let openMPFlags: [CSetting] =
  libompDirectory == nil
  ? []
  : [
    .define("LOCKSTEP_OPENMP", .when(traits: ["OpenMP"])),
    .unsafeFlags(["-fopenmp"], .when(traits: ["OpenMP"])),
  ]

let openMPLibraries: [LinkerSetting] =
  libompDirectory.map { [.unsafeFlags(["-L\($0)", "-lomp"], .when(traits: ["OpenMP"]))] } ?? []

// MARK: - Settings

/// The oldest CPU that Lockstep's kernels run on: x86-64-v3 (AVX2 and FMA) or any arm64.
#if arch(x86_64)
  let minimumCPUFlags = ["-Xcc", "-march=x86-64-v3"]
#else
  let minimumCPUFlags: [String] = []
#endif

enum TargetKind {
  /// Ordinary code, for any CPU: it is what runs before the CPU has been checked.
  case portable
  /// Definitions that the kernels inline: optimised in debug builds too, still for any CPU.
  case inlinedIntoKernels
  /// Numeric loops for the minimum CPU, optimised in debug builds too, so that `swift test` stays quick.
  case kernels
}

func settings(_ kind: TargetKind) -> [SwiftSetting] {
  let optimised: SwiftSetting = .unsafeFlags(["-O"], .when(configuration: .debug))
  switch kind {
  case .portable: return []
  case .inlinedIntoKernels: return [optimised]
  // Generic kernels are specialised across files only where the module is compiled as a whole; release builds are.
  // Without -fno-math-errno a vector square root becomes one call of sqrtf per lane.
  case .kernels:
    return [
      optimised,
      .unsafeFlags(
        ["-whole-module-optimization", "-num-threads", "1", "-disable-batch-mode"], .when(configuration: .debug)),
      .unsafeFlags(minimumCPUFlags + ["-Xcc", "-fno-math-errno"]),
    ]
  }
}

/// C kernels: never contracted or reassociated, optimised in debug builds too.
let kernelCSettings: [CSetting] =
  [
    .unsafeFlags(["-ffp-contract=off", "-fno-math-errno"]),
    .unsafeFlags(["-O2"], .when(configuration: .debug)),
  ] + openMPFlags

// MARK: - Package

let package = Package(
  name: "lockstep",
  products: [
    .library(name: "ComputeBackend", targets: ["ComputeBackend", "ScalarBackend", "SIMDBackend", "OpenMPBackend"]),
    .library(name: "Lockstep", targets: ["Lockstep", "ComputeBackend"]),
    .library(name: "LockstepData", targets: ["LockstepData", "FileWriting"]),
    .executable(name: "lockstep", targets: ["LockstepTool"]),
    // Model files among a target's sources become Swift types.
    .plugin(name: "EmbedNetworks", targets: ["EmbedNetworks"]),
    // What `swift package install-lockstep` makes liblockstep.so and liblockstep.a of.
    .library(name: "LockstepShared", type: .dynamic, targets: ["LockstepC"]),
    .library(name: "LockstepStatic", type: .static, targets: ["LockstepC"]),
  ],
  traits: [
    .default(enabledTraits: ["OpenMP"]),
    .trait(
      name: "OpenMP",
      description: "The C backend on several threads, where libomp is installed. Off: no OpenMP code, no libomp needed."
    ),
  ],
  targets: [
    // What the CPU can do, asked before any kernel runs, and hints that Swift cannot give.
    .target(name: "CLockstepCPU"),

    // The contract: protocol, views, order of arithmetic, elementary functions.
    // Compiled for any CPU, its fused multiply-add is the C library's function.
    .target(
      name: "ComputeBackend", dependencies: ["CLockstepCPU"], swiftSettings: settings(.inlinedIntoKernels),
      linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux]))]),

    // The backends.
    .target(
      name: "ScalarBackend", dependencies: ["ComputeBackend", "CLockstepCPU"], swiftSettings: settings(.kernels)),
    .target(
      name: "SIMDBackend", dependencies: ["ComputeBackend", "CLockstepCPU"], swiftSettings: settings(.kernels)),
    .target(name: "CLockstepKernels", cSettings: kernelCSettings, linkerSettings: openMPLibraries),
    .target(
      name: "OpenMPBackend", dependencies: ["ComputeBackend", "CLockstepCPU", "CLockstepKernels"],
      swiftSettings: settings(.portable)),

    // The contract once more, as plainly as it can be said: what every backend is compared with.
    .target(
      name: "LockstepReference", dependencies: ["ComputeBackend"], swiftSettings: settings(.inlinedIntoKernels)),

    // Files that are there whole or not at all.
    .target(name: "FileWriting", swiftSettings: settings(.portable)),

    // Networks, the pass, training, model files.
    .target(
      name: "Lockstep",
      dependencies: [
        "ComputeBackend", "ScalarBackend", "SIMDBackend", "OpenMPBackend", "CLockstepCPU", "FileWriting",
      ],
      swiftSettings: settings(.portable)),

    // The C interface: lockstep.h, and what is behind it.
    .target(name: "CLockstep"),
    .target(
      name: "LockstepC", dependencies: ["CLockstep", "ComputeBackend", "Lockstep"], swiftSettings: settings(.portable)),

    // Data from files, over Debian's zlib and minizip, and which files they were, over OpenSSL's libcrypto. CSV is read in
    // C++, for its standard library rounds decimal numbers quickly and once (libstdc++ since version 11).
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CMinizip", providers: [.apt(["libminizip-dev"])]),
    .systemLibrary(name: "CCrypto", providers: [.apt(["libssl-dev"])]),
    .target(
      name: "CLockstepData", cxxSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]),
    .target(
      name: "LockstepData",
      dependencies: ["CCrypto", "CLockstepData", "CMinizip", "CZlib", "ComputeBackend", "FileWriting", "Lockstep"],
      swiftSettings: settings(.portable)),

    // Networks as Swift types, for a plugin that runs it while other packages are built. It compiles files of Lockstep anew,
    // through links, for it is built once more for the machine that builds, and without a backend that takes seconds. It is
    // always built for debugging where the program is: optimised, or megabytes would take seconds.
    .executableTarget(
      name: "LockstepEmbed", dependencies: ["ComputeBackend", "FileWriting"],
      swiftSettings: settings(.inlinedIntoKernels)),
    .plugin(name: "EmbedNetworks", capability: .buildTool(), dependencies: ["LockstepEmbed"]),

    // Networks as C source files.
    .target(
      name: "LockstepCSource", dependencies: ["ComputeBackend", "FileWriting", "Lockstep"],
      swiftSettings: settings(.portable)),

    // Networks as ONNX models, over Debian's protobuf-c (package libprotobuf-c-dev). Only the tool depends on it, so that
    // no library product does; found without pkg-config, which would warn of its absence in every build.
    .target(
      name: "CLockstepONNX", exclude: ["onnx.proto"], linkerSettings: [.linkedLibrary("protobuf-c")]),
    .target(
      name: "LockstepONNX", dependencies: ["CLockstepONNX", "ComputeBackend", "FileWriting", "Lockstep"],
      swiftSettings: settings(.portable)),

    // The command-line tool.
    .target(name: "CGetopt"),
    .executableTarget(
      name: "LockstepTool",
      dependencies: [
        "Lockstep", "LockstepData", "LockstepCSource", "LockstepONNX", "LockstepReference", "LockstepBenchmark",
        "CLockstep", "CLockstepCPU", "CGetopt", "FileWriting",
      ],
      swiftSettings: settings(.portable)),

    // What the machine can do, and what the library makes of it.
    .target(
      name: "CMachineLimits", path: "Benchmarks/CMachineLimits",
      cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]),
    .target(
      name: "CPriceKernels", path: "Benchmarks/CPriceKernels",
      cSettings: [.unsafeFlags(["-ffp-contract=off"]), .unsafeFlags(["-O2"], .when(configuration: .debug))]),
    .target(
      name: "LockstepBenchmark",
      dependencies: ["Lockstep", "LockstepReference", "CMachineLimits", "CPriceKernels"],
      path: "Benchmarks/LockstepBenchmark", swiftSettings: settings(.portable)),
    // It declares no permission, as it writes nothing on its own; who keeps baselines gives it on the command line.
    .plugin(
      name: "BenchmarkCommand",
      capability: .command(
        intent: .custom(
          verb: "benchmark", description: "Measure training and inference in release: see `lockstep benchmark --help`"))
    ),
    // No permission either: where a sandbox asks for one, `--allow-writing-to-directory DIR` gives it.
    .plugin(
      name: "InstallCommand",
      capability: .command(
        intent: .custom(
          verb: "install-lockstep", description: "Install the C library and the tool: see `install-lockstep --help`"))),

    // Tests.
    .target(name: "BackendMatrix", dependencies: ["Lockstep"], path: "Tests/BackendMatrix"),
    .testTarget(
      name: "GoldenTests", dependencies: ["Lockstep", "BackendMatrix"],
      exclude: ["golden_numpy.py", "golden_pytorch.py"],
      resources: [.copy("golden_numpy.json"), .copy("golden_pytorch.json")]),
    .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
    .testTarget(
      name: "LockstepTests", dependencies: ["Lockstep", "LockstepReference", "BackendMatrix", "CAllocationCount"]),
    .testTarget(
      name: "LockstepReferenceTests", dependencies: ["LockstepReference"],
      swiftSettings: settings(.inlinedIntoKernels)),
    .testTarget(name: "OpenMPBackendTests", dependencies: ["OpenMPBackend"]),
    .testTarget(
      name: "ParityTests", dependencies: ["Lockstep", "LockstepReference", "CLockstepCPU", "BackendMatrix"],
      swiftSettings: settings(.inlinedIntoKernels)),
    // They run the tool as a process.
    .target(name: "CTerminal", path: "Tests/CTerminal"),
    .testTarget(
      name: "LockstepToolTests", dependencies: ["LockstepTool", "Lockstep", "CTerminal", "BackendMatrix"],
      exclude: ["make_fixtures.py"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "LockstepBenchmarkTests", dependencies: ["LockstepBenchmark", "Lockstep"],
      swiftSettings: settings(.portable)),
    .testTarget(name: "LockstepCTests", dependencies: ["LockstepC", "CLockstep", "Lockstep", "BackendMatrix"]),
    .testTarget(name: "FileWritingTests", dependencies: ["FileWriting"]),
    .testTarget(name: "LockstepCSourceTests", dependencies: ["LockstepCSource", "Lockstep", "FileWriting"]),
    .testTarget(name: "LockstepEmbedTests", dependencies: ["LockstepEmbed", "Lockstep"]),
    .testTarget(
      name: "LockstepDataTests", dependencies: ["LockstepData", "Lockstep", "FileWriting"],
      exclude: ["make_fixtures.py"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "LockstepONNXTests", dependencies: ["LockstepONNX", "CLockstepONNX", "Lockstep", "FileWriting"],
      exclude: ["check_onnx.py"]),
    .testTarget(
      name: "ModelFileTests", dependencies: ["Lockstep"],
      exclude: ["check_gradients_with_pytorch.py", "check_with_python.py", "check_with_pytorch.py"],
      resources: [.copy("Fixtures")]),
    .target(
      name: "CExactFunctions", path: "Tests/CExactFunctions",
      cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))],
      linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux]))]),
    .target(
      name: "ElementaryFunctionsSupport", dependencies: ["ComputeBackend", "SIMDBackend", "CExactFunctions"],
      path: "Tests/ElementaryFunctionsSupport", swiftSettings: settings(.kernels)),
    .testTarget(
      name: "ElementaryFunctionsTests",
      dependencies: ["ComputeBackend", "ElementaryFunctionsSupport", "Lockstep", "BackendMatrix"],
      swiftSettings: settings(.inlinedIntoKernels)),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
