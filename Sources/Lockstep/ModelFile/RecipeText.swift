// Recipes as text: one JSON object with sorted keys, the same bytes for the same recipe.

import ComputeBackend
import FoundationEssentials

extension Recipe {
  /// The recipe as JSON.
  public var text: String { JSONValue.sortedObject(json).text }

  /// What decides the result, entry by entry, as text: two recipes that agree about it have the same parameters after the
  /// same number of steps. Entries are named as options of `lockstep train`, but for those of files.
  public var decisions: [String: String] {
    var decisions: [String: String] = [:]
    for (entry, value) in json where !["digests", "files", "preparation", "steps"].contains(entry) {
      decisions[entry.map { $0 == "_" ? "-" : String($0) }.joined()] = value.text
    }
    for (option, value) in preparation { decisions[option] = value }
    return decisions
  }

  private var json: [String: JSONValue] {
    func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
    let optimizer = method.optimizer
    return [
      "activations": .array(activations.map { .string($0.rawValue) }),
      "batch_size": .integer(schedule.batchSize),
      "beta_1": .number(optimizer.beta1),
      "beta_2": .number(optimizer.beta2),
      "clip_norm": number(method.clipNorm),
      "digests": .array(digests.map { .array([.integer($0.step), .string($0.parameters)]) }),
      "dropout": .number(method.dropout),
      "epochs": .integer(schedule.epochs),
      "epsilon": .number(optimizer.epsilon),
      "files": .sortedObject(files.mapValues { .string($0) }),
      "initializer": .string(initializer?.rawValue),
      "learning_rate": .number(schedule.learningRate),
      "loss": .string(loss.rawValue),
      "momentum": .number(optimizer.momentum),
      "optimizer": .string(optimizer.kind.rawValue),
      "order_of_arithmetic": .integer(orderOfArithmetic),
      "patience": schedule.patience.map { .integer($0) } ?? .null,
      "precision": .string(precision.rawValue),
      "preparation": .sortedObject(preparation.mapValues { .string($0) }),
      "rows": .integer(rows),
      "schedule": .string(schedule.rates.description),
      "seed": .integer(schedule.seed),
      "shuffle": .bool(schedule.shuffles),
      "sizes": .array(sizes.map { .integer($0) }),
      "smoothing": .number(optimizer.smoothing),
      "steps": .integer(steps),
      "weight_decay": .number(optimizer.weightDecay),
    ]
  }

  /// Reads a recipe.
  ///
  /// - Parameter text: as ``text`` gives it.
  /// - Throws: ``RecipeError`` for anything else, so also for a recipe of a later version with an entry that this one does not
  ///   know.
  public init(text: String) throws(RecipeError) {
    let raw: RawRecipe
    do {
      raw = try JSONDecoder().decode(RawRecipe.self, from: Data(text.utf8))
    } catch let error as DecodingError {
      throw RecipeError(entry: error.entry, problem: "it is missing or not of the right kind")
    } catch {
      throw RecipeError(entry: nil, problem: "it is no JSON object")
    }
    self = try raw.recipe()
    guard self.text == text else {
      throw RecipeError(entry: nil, problem: "it holds something that this version of Lockstep does not know")
    }
  }
}

/// The object before its values are checked.
private struct RawRecipe: Decodable {
  enum CodingKeys: String, CodingKey {
    case activations
    case batchSize = "batch_size"
    case beta1 = "beta_1"
    case beta2 = "beta_2"
    case clipNorm = "clip_norm"
    case digests
    case dropout, epochs, epsilon, files, initializer
    case learningRate = "learning_rate"
    case loss, momentum, optimizer
    case orderOfArithmetic = "order_of_arithmetic"
    case patience, precision, preparation, rows, schedule, seed, shuffle
    case sizes, smoothing, steps
    case weightDecay = "weight_decay"
  }

  /// A step and its digest.
  struct Pair: Decodable {
    let step: Int
    let digest: String

    init(from decoder: any Decoder) throws {
      var container = try decoder.unkeyedContainer()
      step = try container.decode(Int.self)
      digest = try container.decode(String.self)
    }
  }

  let activations: [String]
  let batchSize: Int
  let beta1: Double
  let beta2: Double
  let clipNorm: Double?
  let digests: [Pair]
  let dropout: Double
  let epochs: Int
  let epsilon: Double
  let files: [String: String]
  let initializer: String?
  let learningRate: Double
  let loss: String
  let momentum: Double
  let optimizer: String
  let orderOfArithmetic: Int
  let patience: Int?
  let precision: String
  let preparation: [String: String]
  let rows: Int
  let schedule: String
  let seed: UInt64
  let shuffle: Bool
  let sizes: [Int]
  let smoothing: Double
  let steps: Int
  let weightDecay: Double

  func recipe() throws(RecipeError) -> Recipe {
    func named<Value: RawRepresentable<String>>(
      _ key: CodingKeys, _ name: String, as _: Value.Type = Value.self
    ) throws(RecipeError) -> Value {
      guard let value = Value(rawValue: name) else {
        throw RecipeError(
          entry: key.rawValue, problem: "\(name.prefix(100).debugDescription) means nothing to this version of Lockstep"
        )
      }
      return value
    }
    func require(_ condition: Bool, _ key: CodingKeys, _ problem: String) throws(RecipeError) {
      guard condition else { throw RecipeError(entry: key.rawValue, problem: problem) }
    }

    var knownActivations: [Activation] = []
    for name in activations { knownActivations.append(try named(.activations, name)) }
    try require(
      sizes.count >= 2 && sizes.allSatisfy { $0 >= 1 } && sizes.count == activations.count + 1, .sizes,
      "the widths \(sizes.prefix(20)) are not those of \(activations.count) layers")
    try require(rows >= 1, .rows, "the number of rows is \(rows); it must be at least 1")
    try require(steps >= 0, .steps, "the number of steps is \(steps); it must not be negative")
    for (role, digest) in files {
      try require(isHexadecimal(digest, digits: 64), .files, "the SHA-256 of \(role.debugDescription) is none")
    }
    try require(
      digests.count <= 128 && zip(digests, digests.dropFirst()).allSatisfy { $0.step < $1.step }
        && digests.allSatisfy { $0.step >= 0 && $0.step <= steps && isHexadecimal($0.digest, digits: 16) },
      .digests, "they are not at most 128 fingerprints of rising steps")
    guard let changes = LearningRateSchedule(schedule) else {
      throw RecipeError(entry: "schedule", problem: "\(schedule.prefix(100).debugDescription) is no schedule")
    }

    let kind: Optimizer.Kind = try named(.optimizer, optimizer)
    let method: TrainingMethod
    do throws(HyperparameterError) {
      method = try TrainingMethod(
        optimizer: Optimizer(
          kind, momentum: momentum, smoothing: smoothing, beta1: beta1, beta2: beta2,
          epsilon: epsilon, weightDecay: weightDecay),
        clipNorm: clipNorm, dropout: dropout, seed: seed)
    } catch {
      throw RecipeError(entry: nil, problem: error.description)
    }
    let plan: TrainingSchedule
    do throws(TrainingError) {
      plan = try TrainingSchedule(
        epochs: epochs, batchSize: batchSize, learningRate: learningRate, rates: changes,
        shuffles: shuffle, seed: seed, patience: patience)
    } catch {
      throw RecipeError(entry: nil, problem: error.description)
    }
    try require(
      !epochs.multipliedReportingOverflow(by: plan.stepsPerEpoch(rows: rows)).overflow, .rows,
      "\(epochs) epochs over \(rows) rows are more steps than can be counted")
    var recipe = Recipe(
      files: files, preparation: preparation, rows: rows, sizes: sizes, activations: knownActivations,
      initializer: try initializer.map { (name) throws(RecipeError) in try named(.initializer, name) },
      loss: try named(.loss, loss), precision: try named(.precision, precision), method: method, schedule: plan)
    recipe.orderOfArithmetic = orderOfArithmetic
    recipe.steps = steps
    recipe.digests = digests.map { RunningDigest(step: $0.step, parameters: $0.digest) }
    return recipe
  }
}

private func isHexadecimal(_ text: String, digits: Int) -> Bool {
  text.utf8.count == digits
    && text.utf8.allSatisfy {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
    }
}

extension DecodingError {
  /// The entry of the object that could not be decoded.
  fileprivate var entry: String? {
    switch self {
    case .keyNotFound(let key, let context): (context.codingPath + [key]).first?.stringValue
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      context.codingPath.first?.stringValue
    @unknown default: nil
    }
  }
}
