// `swift package install-lockstep --prefix DIR`: the C library, the Python module and the tool, for programs and
// machines without Swift. What is done with the products that the package builds lies in Installation.swift.

import Foundation
import PackagePlugin

@main
struct InstallCommand: CommandPlugin {
  static let usage = """
    USAGE: swift package [--scratch-path FOLDER] install-lockstep --prefix DIR

    Builds liblockstep in release and installs below DIR:

      include/lockstep.h             the C interface
      lib/liblockstep.so, .so.N      the shared library
      lib/liblockstep.a              the static library
      lib/lockstep/                  libraries of the system that they need
      lib/pkgconfig/lockstep.pc      pkg-config --cflags --libs lockstep
      lib/pkgconfig/lockstep-static.pc
      bin/lockstep                   the tool
      share/lockstep/python/         the Python module: pip install DIR/share/lockstep/python

    The Swift run-time library is inside. The build's options differ from those of `swift build`: with a --scratch-path of
    its own, neither has to build again after the other.
    """

  func performCommand(context: PluginContext, arguments: [String]) async throws {
    var extractor = ArgumentExtractor(arguments)
    if extractor.extractFlag(named: "help") > 0 { return print(Self.usage) }
    let prefixes = extractor.extractOption(named: "prefix")
    guard let prefix = prefixes.first, prefixes.count == 1, !prefix.isEmpty else {
      throw InstallError("name one folder to install into: --prefix DIR")
    }
    if let other = extractor.remainingArguments.first {
      throw InstallError("'\(other)' is no option of install-lockstep; see install-lockstep --help")
    }

    let installation = try Installation(prefix: URL(filePath: prefix), context: context)
    let exports = context.pluginWorkDirectoryURL.appending(path: "exports.map")
    try installation.header.exportMap.write(to: exports, atomically: true, encoding: .utf8)
    // A thread frees what the kernels keep for it when it ends, which may be after the library was closed: nodelete.
    let shared = try build(
      "LockstepShared",
      linkerFlags: [
        "--version-script=\(exports.path)", "-soname=\(installation.header.soname)", "-z", "nodelete",
        "--no-undefined", "-rpath=$ORIGIN/lockstep", "-s",
      ])
    let archive = try build("LockstepStatic", linkerFlags: [])
    let tool = try build("lockstep", linkerFlags: ["-rpath=$ORIGIN/../lib/lockstep", "-s"])
    try installation.install(shared: shared, archive: archive, tool: tool)
  }

  /// Builds a product in release with the Swift run-time library inside.
  private func build(_ product: String, linkerFlags: [String]) throws -> URL {
    var parameters = PackageManager.BuildParameters(configuration: .release)
    // The default linker warns of functions that Foundation has inside.
    parameters.otherSwiftcFlags = ["-static-stdlib", "-use-ld=lld"]
    parameters.otherLinkerFlags = linkerFlags
    let build = try packageManager.build(.product(product), parameters: parameters)
    let artifact = build.builtArtifacts.first { $0.url.deletingPathExtension().lastPathComponent.hasSuffix(product) }
    guard build.succeeded, let artifact else {
      throw InstallError("\(product) could not be built in release:\n\(build.logText)")
    }
    return artifact.url
  }
}

/// Why nothing, or not all, was installed.
struct InstallError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
