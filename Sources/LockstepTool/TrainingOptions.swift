// The options of `train` that say how to train: the optimiser, the schedule, what is held back, checkpoints. Those about data
// and network lie in CommandTrain.swift.

import ComputeBackend
import Lockstep
import LockstepData

/// How `train` trains.
enum TrainingOptions {
  static let epochs = CommandOption<Int>.integer(
    "epochs", summary: "how often every row is seen, at most; 0 leaves the first parameters", in: 0...Int(UInt32.max),
    default: 100)
  static let batchSize = CommandOption<Int>.integer(
    "batch-size", summary: "rows in a step; the last batch of an epoch takes what is left", in: 1...Int.max,
    default: 32)
  static let microBatch = CommandOption<Int?>(
    "micro-batch", valueName: "N",
    summary: "rows of a batch that are computed at a time, to save memory; the same bits",
    default: nil, defaultText: "chosen from the shapes", allowed: "256 times a power of two: 256, 512, 1024, and so on",
    parse: { text in
      guard let rows = Int(text), (try? RowBlocks.microBatch(rows: rows)) != nil else { return nil }
      return rows
    })
  static let optimizer = CommandOption<Optimizer.Kind>.choice(
    "optimizer", summary: "how gradients become steps, by PyTorch's formulas", default: .sgd)
  static let learningRate = CommandOption<Double?>.number(
    "learning-rate", summary: "the factor of the gradient in each step", atLeast: 0,
    defaultText: "0.01; for adam and adamw 0.001")
  static let schedule = CommandOption<LearningRateSchedule>(
    "schedule", valueName: "constant|step:EPOCHS:FACTOR|cosine[:WARMUP]",
    summary: "the learning rate over time: times FACTOR every EPOCHS epochs; or up for WARMUP epochs and down to 0",
    default: .constant, defaultText: "constant", allowed: "constant, step:EPOCHS:FACTOR, cosine or cosine:WARMUP",
    parse: { LearningRateSchedule($0) })
  static let momentum = CommandOption<Double?>.number(
    "momentum", summary: "how much of earlier steps goes on, with momentum and nesterov", atLeast: 0, below: 1,
    defaultText: "0.9")
  static let betas = CommandOption<[Double]?>(
    "betas", valueName: "B1,B2",
    summary: "how much of the means of gradients and of their squares stays, with adam and adamw",
    default: nil, defaultText: "0.9,0.999", allowed: "two numbers of at least 0 and below 1",
    parse: { text in
      let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? -1 }
      guard numbers.count == 2, numbers.allSatisfy({ $0 >= 0 && $0 < 1 }) else { return nil }
      return numbers
    })
  static let smoothing = CommandOption<Double?>.number(
    "smoothing", summary: "how much of the mean of squared gradients stays, with rmsprop", atLeast: 0, below: 1,
    defaultText: "0.99")
  static let epsilon = CommandOption<Double?>.number(
    "epsilon", summary: "what keeps divisors from 0, with rmsprop, adam and adamw", above: 0, defaultText: "1e-08")
  static let weightDecay = CommandOption<Double?>.number(
    "weight-decay", summary: "how strongly weights are drawn to 0", atLeast: 0, defaultText: "0")
  static let clipNorm = CommandOption<Double?>.number(
    "clip-norm", summary: "the largest norm of all gradients together; longer ones are shortened", above: 0,
    defaultText: "none")
  static let dropout = CommandOption<Double?>.number(
    "dropout", summary: "the share of hidden outputs that a step leaves out", atLeast: 0, below: 1, defaultText: "0")
  static let shuffle = CommandOption<Bool>.boolean(
    "shuffle", summary: "whether each epoch takes the rows in a new random order", default: true)
  static let seed = CommandOption<UInt64>.integer(
    "seed", summary: "what first parameters, the order of rows, dropout and held-back rows are drawn from",
    in: 0...UInt64.max, default: 1)
  static let patience = CommandOption.optionalInteger(
    "patience", valueName: "EPOCHS",
    summary: "ends training when the validation loss has not improved for so long, and takes the best parameters",
    in: 1...Int(UInt32.max), defaultText: "train through all epochs")
  static let checkpoint = CommandOption<String?>.fileName(
    "checkpoint", valueName: "FILE", summary: "where the state of training is kept, from the start on",
    defaultText: "nowhere")
  static let checkpointEvery = CommandOption.optionalInteger(
    "checkpoint-every", valueName: "EPOCHS",
    summary: "after how many epochs the checkpoint is written again; it is in the end and at an interruption, anyway",
    in: 1...Int(UInt32.max), defaultText: "after an epoch, but not within 5 seconds of the last time")
  static let resume = CommandOption.flag(
    "resume", summary: "go on from the checkpoint; everything that decides the result must be as it was")

  /// All of them, in the order in which the help lists them.
  static let all: [any OptionDeclaration] = [
    epochs, batchSize, microBatch, optimizer, learningRate, schedule, momentum, betas, smoothing, epsilon, weightDecay,
    clipNorm, dropout, shuffle, seed, patience, checkpoint, checkpointEvery, resume,
  ]

  /// The hyperparameters that only some optimisers have.
  private static let hyperparameters: [(option: any OptionDeclaration, kinds: [Optimizer.Kind])] = [
    (momentum, [.momentum, .nesterov]), (betas, [.adam, .adamW]), (smoothing, [.rmsProp]),
    (epsilon, [.rmsProp, .adam, .adamW]),
  ]

  /// What a step does, as asked for.
  ///
  /// - Throws: ``UsageError`` for a hyperparameter that the optimiser does not have.
  static func method(_ invocation: Invocation) throws -> TrainingMethod {
    let kind = invocation[optimizer]
    for (option, kinds) in hyperparameters where invocation.isGiven(option) && !kinds.contains(kind) {
      throw UsageError(
        description: "--\(option.name) is for --optimizer \(kinds.map(\.rawValue).joined(separator: " or ")), "
          + "not for \(kind.rawValue)")
    }
    let plain = Optimizer.sgd
    let betas = invocation[betas] ?? [plain.beta1, plain.beta2]
    return try TrainingMethod(
      optimizer: Optimizer(
        kind, momentum: invocation[momentum] ?? plain.momentum, smoothing: invocation[smoothing] ?? plain.smoothing,
        beta1: betas[0], beta2: betas[1], epsilon: invocation[epsilon] ?? plain.epsilon,
        weightDecay: invocation[weightDecay] ?? 0),
      clipNorm: invocation[clipNorm], dropout: invocation[dropout] ?? 0, seed: invocation[seed])
  }

  /// How long and in which portions, as asked for.
  ///
  /// - Throws: `TrainingError`.
  static func schedule(_ invocation: Invocation) throws -> TrainingSchedule {
    let usual = [.adam, .adamW].contains(invocation[optimizer]) ? 0.001 : 0.01
    return try TrainingSchedule(
      epochs: invocation[epochs], batchSize: invocation[batchSize], learningRate: invocation[learningRate] ?? usual,
      rates: invocation[schedule], shuffles: invocation[shuffle], seed: invocation[seed],
      patience: invocation[patience])
  }
}

extension CommandOption<Double?> {
  /// A finite number within bounds; nothing where it is not given.
  static func number(
    _ name: String, summary: String, atLeast least: Double? = nil, above: Double? = nil, below: Double? = nil,
    defaultText: String
  ) -> CommandOption {
    let bounds = [
      least.map { "of at least \(short($0))" }, above.map { "above \(short($0))" }, below.map { "below \(short($0))" },
    ]
    return CommandOption(
      name, valueName: "X", summary: summary, default: nil, defaultText: defaultText,
      allowed: "a finite number " + bounds.compactMap(\.self).joined(separator: " and "),
      parse: { text in
        guard let value = Double(text), value.isFinite, least.map({ value >= $0 }) ?? true,
          above.map({ value > $0 }) ?? true, below.map({ value < $0 }) ?? true
        else { return nil }
        return .some(value)
      })
  }
}

/// A number without a point where it is whole.
private func short(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? "\(value)" }
