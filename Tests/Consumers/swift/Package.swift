// swift-tools-version: 6.2
// A package outside of Lockstep that depends on a version of it. `.ci/swift-consumer` says where the repository is, builds
// both programs with and without OpenMP, and adds the sources of AllocationCount.

import PackageDescription

let repository = Context.environment["LOCKSTEP_REPOSITORY"] ?? "/nowhere/lockstep"
let version: Version = "0.1.0"
let dependency: Package.Dependency =
  Context.environment["LOCKSTEP_WITHOUT_OPENMP"] == nil
  ? .package(url: "file://\(repository)", from: version)
  : .package(url: "file://\(repository)", from: version, traits: [])

let package = Package(
  name: "consumer",
  dependencies: [dependency],
  targets: [
    .target(name: "CAllocationCount"),
    .executableTarget(
      name: "Networks",
      dependencies: [
        .product(name: "ComputeBackend", package: "lockstep"), .product(name: "Lockstep", package: "lockstep"),
        "CAllocationCount",
      ],
      swiftSettings: [.strictMemorySafety()]),
    .executableTarget(
      name: "Kernels", dependencies: [.product(name: "ComputeBackend", package: "lockstep")],
      swiftSettings: [.strictMemorySafety()]),
  ],
  swiftLanguageModes: [.v6]
)
