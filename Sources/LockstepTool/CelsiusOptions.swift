// The options of `lockstep celsius`. What the command does lies in CommandCelsius.swift.

import Lockstep

/// The options of `celsius`.
enum CelsiusOptions {
  static let iterations = CommandOption<Int>.integer(
    "iterations", summary: "steps of gradient descent", in: 0...Int(UInt32.max), default: 2000)
  static let learningRate = CommonOptions.learningRate(default: 0.0001)
  /// At the default learning rate the slope ends up swinging around 1.8 from step to step, as far as the curvature of
  /// the loss allows. The default seed is the one of the first 300 whose `Float` run ends with the least loss.
  static let seed = CommandOption<UInt64>.integer(
    "seed", summary: "what the first parameters are drawn from", in: 0...UInt64.max, default: 20)
  static let samples = CommandOption<Int>.integer(
    "samples", summary: "how many temperatures to learn from", in: 2...1_000_000, default: 100)
  static let plot = CommandOption<PictureTarget?>(
    "plot", valueName: "FILE", summary: "draw the picture into FILE (.svg, .png or .pdf); - draws it as text",
    default: nil, defaultText: "as text on a terminal",
    allowed: "a file name that ends in .svg, .png or .pdf, or - for text",
    parse: { name in PictureTarget(name: name).map { .some($0) } })
  static let trace = CommandOption.optionalInteger(
    "trace", summary: "print every quantity of the first step, or of N steps, with its formula",
    in: 1...Int(UInt32.max), defaultText: nil
  ).valueOptional(standingFor: 1)

  static let all: [any OptionDeclaration] =
    [iterations, learningRate, seed, samples, plot, trace] + CommonOptions.computing
}
