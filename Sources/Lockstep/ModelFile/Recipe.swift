// What a model was trained from and how: enough to train it again, bit for bit, on another machine. How it is written as text
// lies in RecipeText.swift.

import ComputeBackend

/// How a network came about: all that decides its parameters, and what they were on the way.
///
/// Nothing in a recipe depends on the backend, the threads, the machine or the time, or on whether training was interrupted
/// and resumed: the same training gives the same recipe.
public struct Recipe: Sendable, Equatable {
  /// The SHA-256 of each file that training read, 64 hexadecimal digits, by what it was read as: `data`,
  /// `validation-data`, `initial-model`.
  public var files: [String: String]
  /// How numbers were made of the files: options of `lockstep train` by name, with their values as it takes them. The
  /// library keeps them and does not look into them.
  public var preparation: [String: String]
  /// How many rows were learned from.
  public var rows: Int
  /// The widths of the network, from input to output.
  public var sizes: [Int]
  /// The activation of each layer.
  public var activations: [Activation]
  /// How the first parameters were drawn; `nil` where they came from a file.
  public var initializer: Initializer?
  /// What training made small.
  public var loss: Loss
  /// What it computed in.
  public var precision: Precision
  /// What a step did.
  public var method: TrainingMethod
  /// How long and in which portions it trained. Its seed is that of the first parameters and of dropout, too; a session takes
  /// no method with another.
  public var schedule: TrainingSchedule
  /// The version of the order of arithmetic.
  public var orderOfArithmetic: Int
  /// How many steps were taken.
  public var steps: Int
  /// Fingerprints of the parameters on the way, at most 128; the last is that after the last step.
  public var digests: [RunningDigest]

  /// A recipe of a training that has not begun.
  ///
  /// - Parameters:
  ///   - files: the SHA-256 of each file, by what it was read as.
  ///   - preparation: how numbers were made of them.
  ///   - rows: how many rows are learned from.
  ///   - sizes: the widths of the network.
  ///   - activations: the activation of each layer.
  ///   - initializer: how the first parameters are drawn.
  ///   - loss: what training makes small.
  ///   - precision: what it computes in.
  ///   - method: what a step does.
  ///   - schedule: how long and in which portions it trains.
  public init(
    files: [String: String], preparation: [String: String] = [:], rows: Int, sizes: [Int], activations: [Activation],
    initializer: Initializer?, loss: Loss, precision: Precision, method: TrainingMethod, schedule: TrainingSchedule
  ) {
    self.files = files
    self.preparation = preparation
    self.rows = rows
    self.sizes = sizes
    self.activations = activations
    self.initializer = initializer
    self.loss = loss
    self.precision = precision
    self.method = method
    self.schedule = schedule
    orderOfArithmetic = OrderOfArithmetic.version
    steps = 0
    digests = []
  }

  /// The recipe of what a session has trained so far.
  public func taken<Element>(by session: TrainingSession<Element>) -> Recipe {
    var recipe = self
    recipe.steps = session.steps
    recipe.digests = session.digests
    return recipe
  }
}

extension NetworkFile {
  /// How the network was trained; `nil` where the file does not tell.
  ///
  /// - Throws: ``NetworkFileError`` for a recipe that cannot be read.
  public func recipe() throws(NetworkFileError) -> Recipe? {
    guard let text = description.recipe else { return nil }
    do { return try Recipe(text: text) } catch {
      throw .network(
        file: path, tensor: nil, .badEntry(key: NetworkMetadata.recipeKey, reason: error.description))
    }
  }
}

/// A recipe that cannot be read: where in it, and why.
public struct RecipeError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The entry at fault, or `nil` where it is the recipe as a whole.
  public let entry: String?
  /// What is wrong, as a clause.
  public let problem: String

  public var description: String { (entry.map { "its entry \($0.debugDescription): " } ?? "") + problem }
}
