// Recipes: there and back as text, the same text everywhere, and a reason for whatever is none.

import ComputeBackend
import Testing

@testable import Lockstep

/// A recipe in which every entry differs from its default.
func sampleRecipe() throws -> Recipe {
  var recipe = try Recipe(
    files: ["data": String(repeating: "a1", count: 32), "validation-data": String(repeating: "0f", count: 32)],
    preparation: ["target": "\"say \"\"r\"\"\",b/é", "validation": "0.2"], rows: 300, sizes: [12, 24, 2],
    activations: [.tanh, .identity], initializer: .uniform, loss: .binaryCrossEntropy, precision: .f64,
    method: TrainingMethod(
      optimizer: Optimizer(
        .adamW, momentum: 0.5, smoothing: 0.75, beta1: 0.1, beta2: 0.3, epsilon: 1e-30, weightDecay: 0.01),
      clipNorm: 0.1, dropout: 0.3, seed: .max),
    schedule: TrainingSchedule(
      epochs: 12, batchSize: 32, learningRate: 1e-3, rates: .step(epochs: 3, factor: 0.1),
      shuffles: false, seed: .max, patience: 4))
  recipe.steps = 25
  recipe.digests = [
    RunningDigest(step: 10, parameters: "0123456789abcdef"), RunningDigest(step: 25, parameters: "fedcba9876543210"),
  ]
  return recipe
}

private let sampleText = #"""
  {"activations": ["tanh", "identity"], "batch_size": 32, "beta_1": 0.1, "beta_2": 0.3, "clip_norm": 0.1, "digests": [[10, "0123456789abcdef"], [25, "fedcba9876543210"]], "dropout": 0.3, "epochs": 12, "epsilon": 1e-30, "files": {"data": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "validation-data": "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"}, "initializer": "uniform", "learning_rate": 0.001, "loss": "bce", "momentum": 0.5, "optimizer": "adamw", "order_of_arithmetic": 1, "patience": 4, "precision": "f64", "preparation": {"target": "\"say \"\"r\"\"\",b/é", "validation": "0.2"}, "rows": 300, "schedule": "step:3:0.1", "seed": 18446744073709551615, "shuffle": false, "sizes": [12, 24, 2], "smoothing": 0.75, "steps": 25, "weight_decay": 0.01}
  """#

@Suite struct RecipeTests {
  @Test func theTextIsWhatIsSaid() throws {
    #expect(try sampleRecipe().text == sampleText)
  }

  @Test func recipesComeBack() throws {
    let recipe = try sampleRecipe()
    #expect(try Recipe(text: recipe.text) == recipe)
    let plain = Recipe(
      files: [:], rows: 1, sizes: [1, 1], activations: [.identity], initializer: nil, loss: .meanSquaredError,
      precision: .f32, method: .gradientDescent,
      schedule: try TrainingSchedule(epochs: 0, batchSize: 1, learningRate: 0))
    #expect(try Recipe(text: plain.text) == plain)
  }

  static let replacements: [(old: String, new: String, entry: String?)] = [
    ("\"batch_size\": 32", "\"batch_size\": 0", nil), ("\"batch_size\": 32", "\"batch_size\": \"32\"", "batch_size"),
    ("\"batch_size\": 32, ", "", "batch_size"), ("\"batch_size\": 32", "\"batch_size\": 032", nil),
    ("\"batch_size\": 32", "\"batch_size\": 32, \"batch_size\": 32", nil),
    ("\"batch_size\": 32", "\"batch_size\": 32, \"another\": 1", nil),
    ("\"steps\": 25", "\"steps\": 24", "digests"), ("\"steps\": 25", "\"steps\": -1", "steps"),
    ("\"rows\": 300", "\"rows\": 0", "rows"), ("[12, 24, 2]", "[12, 24]", "sizes"),
    ("[12, 24, 2]", "[12, 0, 2]", "sizes"), ("[12, 24, 2]", "[]", "sizes"), ("tanh", "gauss", "activations"),
    ("adamw", "adamx", "optimizer"), ("bce", "bcd", "loss"), ("f64", "f16", "precision"),
    ("uniform", "zipf", "initializer"), ("step:3", "step:0", "schedule"), ("a1a1", "a1", "files"),
    ("[10,", "[25,", "digests"), ("0123456789abcdef", "0123456789ABCDEF", "digests"),
    ("\"dropout\": 0.3", "\"dropout\": 1", nil), ("\"dropout\": 0.3", "\"dropout\": 1e999", nil),
    ("\"seed\": 18446744073709551615", "\"seed\": -1", nil),
    ("\"patience\": 4", "\"patience\": 0", nil), ("\"clip_norm\": 0.1", "\"clip_norm\": 0", nil),
  ]

  @Test(arguments: replacements) func whatIsNoRecipeIsRefused(old: String, new: String, entry: String?) throws {
    let place = try #require(sampleText.range(of: old))
    let text = sampleText.replacingCharacters(in: place, with: new)
    let error = #expect(throws: RecipeError.self) { try Recipe(text: text) }
    if let entry { #expect(error?.entry == entry, "\(String(describing: error))") }
  }

  @Test func moreStepsThanCanBeCountedAreRefused() throws {
    let text = sampleText.replacing("\"rows\": 300", with: "\"rows\": \(Int.max)")
      .replacing("\"epochs\": 12", with: "\"epochs\": \(UInt32.max)")
    let error = #expect(throws: RecipeError.self) { try Recipe(text: text) }
    #expect(error?.entry == "rows", "\(String(describing: error))")
  }

  @Test func truncationsAreRefused() throws {
    for length in stride(from: 0, to: sampleText.count, by: 7) {
      #expect(throws: RecipeError.self) { try Recipe(text: String(sampleText.prefix(length))) }
    }
    #expect(throws: RecipeError.self) { try Recipe(text: sampleText + " ") }
    #expect(throws: RecipeError.self) { try Recipe(text: "[]") }
  }

  @Test func decisionsAreNamedAsOptions() throws {
    let recipe = try sampleRecipe()
    #expect(recipe.decisions["batch-size"] == "32")
    #expect(recipe.decisions["target"] == "\"say \"\"r\"\"\",b/é")
    #expect(recipe.decisions["steps"] == nil)
    var later = recipe
    later.steps = 30
    later.digests = []
    #expect(later.decisions == recipe.decisions)
  }

  @Test func aModelFileKeepsItsRecipeAndIsReadWithoutOne() throws {
    let network = try Network<Float>(sizes: [2, 1], hidden: .identity, seed: 1)
    for text in [nil, try sampleRecipe().text] {
      let file = network.modelFile(description: ModelDescription(recipe: text))
      #expect(try NetworkFile(file, path: "m").recipe()?.text == text)
    }
    let file = try NetworkFile(network.modelFile(description: ModelDescription(recipe: "{}")), path: "m")
    #expect(try file.network(as: Float.self) == network)
    let error = #expect(throws: NetworkFileError.self) { try file.recipe() }
    #expect(error?.description.hasPrefix("m: the metadata's lockstep.recipe cannot be used") == true)
  }
}
