// swift-tools-version: 6.2
// A program with two networks inside. .ci/embedded trains them into its sources, and says where Lockstep is.

import PackageDescription

let package = Package(
  name: "embedded",
  dependencies: [.package(url: Context.environment["LOCKSTEP_CLONE"] ?? "", from: "0.1.0")],
  targets: [
    .executableTarget(
      name: "Embedded",
      dependencies: [.product(name: "Lockstep", package: "lockstep")],
      plugins: [.plugin(name: "EmbedNetworks", package: "lockstep")])
  ]
)
