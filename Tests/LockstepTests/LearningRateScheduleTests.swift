// Learning rates at the ends of their schedules, between them, and in a training run.

import ComputeBackend
import Foundation
import LockstepReference
import Testing

@testable import Lockstep

@Suite struct LearningRateScheduleTests {
  private func factors(_ schedule: LearningRateSchedule, stepsPerEpoch: Int, epochs: Int) -> [Double] {
    (0..<stepsPerEpoch * epochs).map { schedule.factor(step: $0, stepsPerEpoch: stepsPerEpoch, epochs: epochs) }
  }

  @Test func constantIsOne() {
    #expect(factors(.constant, stepsPerEpoch: 3, epochs: 2) == [1, 1, 1, 1, 1, 1])
  }

  @Test func stepsFallEverySoManyEpochs() {
    #expect(
      factors(.step(epochs: 2, factor: 0.5), stepsPerEpoch: 2, epochs: 5) == [
        1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25,
      ])
    // Powers by repeated squaring: exact where they are.
    #expect(
      LearningRateSchedule.step(epochs: 1, factor: 3).factor(step: 20, stepsPerEpoch: 1, epochs: 21) == 3_486_784_401)
  }

  @Test func aCosineFallsFromOneToZero() {
    let schedule = LearningRateSchedule.cosine()
    #expect(schedule.factor(step: 0, stepsPerEpoch: 4, epochs: 5) == 1)
    #expect(schedule.factor(step: 10, stepsPerEpoch: 4, epochs: 5) == 0.5)
    #expect(schedule.factor(step: 20, stepsPerEpoch: 4, epochs: 5) == 0)
    #expect(schedule.factor(step: 21, stepsPerEpoch: 4, epochs: 5) == 0)
    let all = factors(schedule, stepsPerEpoch: 7, epochs: 13)
    #expect(zip(all, all.dropFirst()).allSatisfy { $0 > $1 })
    #expect(all.allSatisfy { $0 > 0 })
  }

  @Test func aWarmUpRisesInEqualSteps() {
    let all = factors(.cosine(warmUp: 2), stepsPerEpoch: 2, epochs: 4)
    #expect(all.prefix(5) == [0.25, 0.5, 0.75, 1, 1])
    #expect(all[6] == 0.5)
    // Nothing is left to fall in.
    #expect(factors(.cosine(warmUp: 9), stepsPerEpoch: 2, epochs: 2) == [0.25, 0.5, 0.75, 1])
    #expect(factors(.cosine(warmUp: 1), stepsPerEpoch: 2, epochs: 0) == [])
  }

  @Test func theCosineIsThatOfMathematics() {
    var largest = 0.0
    for i in 0...10_000 {
      let x = Double(i) / 10_000
      largest = max(largest, abs(cosineOfHalfTurns(x) - cos(.pi * x)))
    }
    #expect(largest < 4e-16)
    #expect(cosineOfHalfTurns(0) == 1)
    #expect(cosineOfHalfTurns(0.5) == 0)
    #expect(cosineOfHalfTurns(1) == -1)
  }

  @Test func numbersOutOfRangeAreRefused() throws {
    for rates: LearningRateSchedule in [
      .step(epochs: 0, factor: 0.5), .step(epochs: 1, factor: 0), .step(epochs: 1, factor: .nan), .cosine(warmUp: -1),
    ] {
      #expect(throws: HyperparameterError.self) { try rates.check() }
      #expect(throws: TrainingError.self) {
        try TrainingSchedule(epochs: 1, batchSize: 1, learningRate: 1, rates: rates)
      }
    }
    // Unchecked, they trap nothing.
    #expect(LearningRateSchedule.step(epochs: 0, factor: 0.5).factor(step: 3, stepsPerEpoch: 1, epochs: 4) == 0.125)
    #expect(LearningRateSchedule.cosine(warmUp: -3).factor(step: 0, stepsPerEpoch: 1, epochs: 4) == 1)
  }

  @Test func textsNameSchedules() {
    for (text, rates) in [
      ("constant", LearningRateSchedule.constant), ("step:3:0.1", .step(epochs: 3, factor: 0.1)), ("cosine", .cosine()),
      ("cosine:5", .cosine(warmUp: 5)),
    ] {
      #expect(LearningRateSchedule(text) == rates)
      #expect(rates.description == text)
    }
    for text in [
      "", ":", "linear", "constant:1", "step", "step:3", "step:0:0.1", "step:3:0", "step:3:nan", "step:3:0.1:2",
      "step:a:0.1",
      "cosine:", "cosine:-1", "cosine:1:2", "Cosine", "cosine:99999999999999999999",
    ] {
      #expect(LearningRateSchedule(text) == nil, "\(text)")
    }
  }

  @Test(arguments: [LearningRateSchedule.constant, .step(epochs: 1, factor: 0.5), .cosine(warmUp: 1)])
  func trainingTakesTheRateOfEachStep(rates: LearningRateSchedule) throws {
    let network = try Network<Float>(sizes: [2, 3, 1], hidden: .tanh, seed: 3)
    let input: Matrix<Float> = randomMatrix(rows: 10, columns: 2, seed: 1)
    let target: Matrix<Float> = randomMatrix(rows: 10, columns: 1, seed: 2)
    let backend = try Backends.make(.scalar, as: Float.self)
    let method = try TrainingMethod(optimizer: Optimizer(.adam), dropout: 0.25, seed: 8)
    let trainer = Trainer(network, loss: .meanSquaredError, backend: backend, method: method)
    let schedule = try TrainingSchedule(epochs: 3, batchSize: 10, learningRate: 0.1, rates: rates, shuffles: false)
    try trainer.train(input: input, target: target, schedule: schedule)
    var reference = ReferenceTrainer(network, loss: .meanSquaredError, method: method)
    for step in 0..<3 {
      reference.step(
        (input, target), learningRate: 0.1 * rates.factor(step: step, stepsPerEpoch: 1, epochs: 3))
    }
    #expect(trainer.network.layers.map(\.weights) == reference.layers.map(\.weights))
  }
}
