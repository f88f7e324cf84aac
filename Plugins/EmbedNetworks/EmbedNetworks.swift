// Makes each model file among a target's sources a Swift type. What the type is lies in the module LockstepEmbed.

import Foundation
import PackagePlugin

@main
struct EmbedNetworks: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) async throws -> [Command] {
    guard let module = target as? SwiftSourceModuleTarget else {
      Diagnostics.error("EmbedNetworks writes Swift, but \(target.name) is no Swift target; apply it to one.")
      return []
    }
    let models = module.sourceFiles.map(\.url).filter { $0.pathExtension == "safetensors" }
    // Two files that compile into one object: SwiftPM would say so without naming either.
    for (name, same) in Dictionary(grouping: models, by: \.lastPathComponent) where same.count > 1 {
      Diagnostics.error(
        "Two model files of \(target.name) are called \(name), so that their types would have one name; rename one.")
      return []
    }
    let tool = try context.tool(named: "LockstepEmbed")
    return models.map { model in
      let output = context.pluginWorkDirectoryURL.appending(path: "\(model.lastPathComponent).swift")
      let others = models.filter { $0 != model }.map(\.path)
      return .buildCommand(
        displayName: "Embedding \(model.lastPathComponent)", executable: tool.url,
        arguments: [model.path, output.path] + others, inputFiles: [model], outputFiles: [output])
    }
  }
}
