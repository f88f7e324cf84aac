// From built products to installed files. How the products are built lies in InstallCommand.swift.

import Foundation
import PackagePlugin

/// The files below the prefix.
struct Installation {
  let header: Header
  private let prefix: URL
  private let pythonSources: URL
  private let context: PluginContext
  private let files = FileManager.default

  init(prefix: URL, context: PluginContext) throws {
    self.prefix = prefix.standardizedFileURL
    self.context = context
    guard let target = Self.target(named: "CLockstep", in: context.package) else {
      throw InstallError("the package has no target CLockstep")
    }
    pythonSources = target.directoryURL.deletingLastPathComponent().appending(path: "LockstepPython")
    header = try Header(target.directoryURL.appending(path: "include/lockstep.h"))
    // Before anything is built, which takes minutes.
    do {
      try files.createDirectory(at: self.prefix, withIntermediateDirectories: true)
    } catch {
      throw InstallError("the folder \(self.prefix.path) cannot be made; name another with --prefix")
    }
    guard files.isWritableFile(atPath: self.prefix.path) else {
      throw InstallError("the folder \(self.prefix.path) cannot be written to; name another with --prefix")
    }
  }

  /// The command may run in a package that depends on ours.
  private static func target(named name: String, in package: Package) -> (any Target)? {
    package.targets.first { $0.name == name }
      ?? package.dependencies.lazy.compactMap { target(named: name, in: $0.package) }.first
  }

  /// Installs everything, each file whole or not at all.
  func install(shared: URL, archive: URL, tool: URL) throws {
    let bundled = try bundle(neededBy: [shared, tool])
    try install(header.url, as: "include/lockstep.h")
    try install(shared, as: "lib/liblockstep.so.\(header.version)")
    try link("lib/\(header.soname)", to: "liblockstep.so.\(header.version)")
    try link("lib/liblockstep.so", to: header.soname)
    let containsCPlusPlus = try installArchive(of: archive)
    try install(tool, as: "bin/lockstep")
    try installPythonModule(shared: shared, bundled: bundled.filter { $0.hasPrefix("libomp") })

    let openMP = bundled.filter { $0.hasPrefix("libomp") }
      .map { "${libdir}/lockstep/\($0) -Wl,-rpath,${libdir}/lockstep " }.joined()
    let runtime = containsCPlusPlus ? "-lgcc_s" : "-lstdc++"
    try write(
      packageDescription(libraries: "-L${libdir} -Wl,-rpath,${libdir} -llockstep"), to: "lib/pkgconfig/lockstep.pc")
    try write(
      packageDescription(libraries: "${libdir}/liblockstep.a \(openMP)\(runtime) -lm"),
      to: "lib/pkgconfig/lockstep-static.pc")
  }

  /// Says where things lie relative to itself, so that the prefix can be moved.
  private func packageDescription(libraries: String) -> String {
    """
    prefix=${pcfiledir}/../..
    includedir=${prefix}/include
    libdir=${prefix}/lib

    Name: lockstep
    Description: Dense neural networks that give the same bits on every backend, CPU and number of threads
    Version: \(header.version)
    Cflags: -I${includedir}
    Libs: \(libraries)

    """
  }

  // MARK: The static library

  /// One object of the package's code and the Swift run-time library, of which only the functions of the header can be
  /// seen.
  ///
  /// - Returns: whether the C++ run-time library is inside, too.
  private func installArchive(of archive: URL) throws -> Bool {
    let swift = try context.tool(named: "swiftc").url.resolvingSymlinksInPath()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "lib/swift_static/linux")
    #if arch(x86_64)
      let architecture = "x86_64"
    #else
      let architecture = "aarch64"
    #endif
    let libraries = [
      "swiftCore", "swift_Concurrency", "swift_StringProcessing", "swift_RegexParser", "swiftSynchronization",
      "swiftGlibc", "FoundationEssentials", "_FoundationCShims", "_FoundationCollections", "dispatch", "BlocksRuntime",
    ]
    let cPlusPlus = cPlusPlusLibrary
    let whole = context.pluginWorkDirectoryURL.appending(path: "whole.o")
    let object = context.pluginWorkDirectoryURL.appending(path: "lockstep.o")
    let result = context.pluginWorkDirectoryURL.appending(path: "liblockstep.a")
    try? files.removeItem(at: result)
    var arguments = ["-r", "-o", whole.path, "--whole-archive", archive.path, "--no-whole-archive"]
    arguments += [swift.appending(path: "\(architecture)/swiftrt.o").path, "-L\(swift.path)", "--start-group"]
    arguments += libraries.map { "-l\($0)" }
    if let cPlusPlus { arguments.append(cPlusPlus) }
    try run("ld.lld", arguments + ["--end-group"])
    // Linkers warn of mktemp, which Foundation calls where it writes a file; the package writes its files without Foundation.
    try run(
      "llvm-objcopy",
      ["--strip-debug", "--redefine-sym=mktemp=abort"] + header.exports + [whole.path, object.path])
    try run("llvm-ar", ["rcs", result.path, object.path])
    try install(result, as: "lib/liblockstep.a")
    return cPlusPlus != nil
  }

  /// The static C++ run-time library of the newest compiler there is.
  private var cPlusPlusLibrary: String? {
    let triples = (try? files.contentsOfDirectory(atPath: "/usr/lib/gcc")) ?? []
    return triples.filter { !$0.contains("mingw") }.flatMap { triple in
      ((try? files.contentsOfDirectory(atPath: "/usr/lib/gcc/\(triple)")) ?? [])
        .sorted { $0.compare($1, options: .numeric) == .orderedDescending }
        .map { "/usr/lib/gcc/\(triple)/\($0)/libstdc++.a" }
    }.first { files.fileExists(atPath: $0) }
  }

  // MARK: The Python module

  /// A folder that Python imports from and that `pip` makes a wheel of: the sources, and the library beside them.
  private func installPythonModule(shared: URL, bundled: [String]) throws {
    let name = "share/lockstep/python"
    // What an older version had and this one has not would still be imported.
    try? files.removeItem(at: prefix.appending(path: name))
    for file in try files.subpathsOfDirectory(atPath: pythonSources.path).sorted() {
      let isSource = ["py", "typed", "toml", "md"].contains { file.hasSuffix(".\($0)") }
      if isSource { try install(pythonSources.appending(path: file), as: "\(name)/\(file)") }
    }
    try install(shared, as: "\(name)/lockstep/lib/\(header.soname)")
    for library in bundled {
      try install(prefix.appending(path: "lib/lockstep/\(library)"), as: "\(name)/lockstep/lib/lockstep/\(library)")
    }
  }

  // MARK: Libraries of the system

  /// Installs what the products need and not every machine has.
  ///
  /// - Returns: the names of the libraries.
  private func bundle(neededBy products: [URL]) throws -> [String] {
    var bundled: [String: String] = [:]
    for product in products {
      let lines = try run("ldd", [product.path]).split(separator: "\n")
      for match in lines.compactMap({ $0.firstMatch(of: /(lib(?:omp|minizip|protobuf-c)\.[^ ]+) => ([^ ]+)/) }) {
        bundled[String(match.1)] = String(match.2)
      }
    }
    for (name, path) in bundled {
      try install(URL(filePath: path).resolvingSymlinksInPath(), as: "lib/lockstep/\(name)")
    }
    return bundled.keys.sorted()
  }

  // MARK: Files

  private func install(_ file: URL, as name: String) throws {
    try replace(name) { try files.copyItem(at: file, to: $0) }
  }

  private func write(_ text: String, to name: String) throws {
    try replace(name) { try text.write(to: $0, atomically: false, encoding: .utf8) }
  }

  private func link(_ name: String, to other: String) throws {
    try replace(name) { try files.createSymbolicLink(atPath: $0.path, withDestinationPath: other) }
  }

  /// A program that runs with the old file keeps it.
  private func replace(_ name: String, with make: (URL) throws -> Void) throws {
    let url = prefix.appending(path: name)
    let new = url.appendingPathExtension("new")
    try files.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try? files.removeItem(at: new)
    try make(new)
    guard rename(new.path, url.path) == 0 else {
      throw InstallError("\(url.path) cannot be written: \(String(cString: strerror(errno)))")
    }
    print(url.path)
  }

  // MARK: Programs

  /// Runs a program of the toolchain or the system, and returns what it prints.
  @discardableResult
  private func run(_ name: String, _ arguments: [String]) throws -> String {
    let process = Process()
    let output = Pipe()
    // The linker and its company lie beside the compiler.
    let beside = try context.tool(named: "swiftc").url.resolvingSymlinksInPath()
      .deletingLastPathComponent().appending(path: name)
    process.executableURL =
      files.isExecutableFile(atPath: beside.path) ? beside : try context.tool(named: name).url
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw InstallError("\(name) failed:\n\(text)") }
    return text
  }
}
