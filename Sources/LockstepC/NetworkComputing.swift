// Predictions, steps, training and gradients of networks.

// Functions and parameters are called as in lockstep.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CLockstep
import ComputeBackend
import Lockstep

// MARK: - Predictions

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_predict_f32(
  _ network: OpaquePointer?, _ rows: Int64, _ input: UnsafePointer<Float>?, _ input_stride: Int64,
  _ output: UnsafeMutablePointer<Float>?, _ output_stride: Int64
) -> lockstep_status {
  status { () throws(CallError) in
    try predict(network, rows: rows, input, input_stride, output, output_stride)
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_predict_f64(
  _ network: OpaquePointer?, _ rows: Int64, _ input: UnsafePointer<Double>?, _ input_stride: Int64,
  _ output: UnsafeMutablePointer<Double>?, _ output_stride: Int64
) -> lockstep_status {
  status { () throws(CallError) in
    try predict(network, rows: rows, input, input_stride, output, output_stride)
  }
}

private func predict<Element: HandledElement>(
  _ network: OpaquePointer?, rows: Int64, _ input: UnsafePointer<Element>?, _ inputStride: Int64,
  _ output: UnsafeMutablePointer<Element>?, _ outputStride: Int64
) throws(CallError) {
  let handle = try NetworkHandle.of(network)
  let state = try handle.state(as: Element.self)
  let rows = try size(rows, "rows")
  let input = try Operand(input, "input", rows: rows, columns: state.inputs, stride: inputStride)
  let output = try WrittenOperand(output, "output", rows: rows, columns: state.outputs, stride: outputStride)
  try output.requireDisjoint(from: input)
  try handle.lock.reading { () throws(CallError) in
    do throws(NetworkError) {
      try state.predictor.predict(input.view, into: output.view)
    } catch {
      throw CallError(error)
    }
  }
}

// MARK: - Steps and training

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_step_f32(
  _ network: OpaquePointer?, _ rows: Int64, _ input: UnsafePointer<Float>?, _ input_stride: Int64,
  _ target: UnsafePointer<Float>?, _ target_stride: Int64, _ loss: Int32, _ learning_rate: Float,
  _ mean_loss: UnsafeMutablePointer<Float>?
) -> lockstep_status {
  status { () throws(CallError) in
    let batch = try Batch(network, rows: rows, input, input_stride, target, target_stride, loss: loss)
    let mean = try batch.step(learningRate: Double(learning_rate))
    mean_loss?.pointee = mean
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_step_f64(
  _ network: OpaquePointer?, _ rows: Int64, _ input: UnsafePointer<Double>?, _ input_stride: Int64,
  _ target: UnsafePointer<Double>?, _ target_stride: Int64, _ loss: Int32, _ learning_rate: Double,
  _ mean_loss: UnsafeMutablePointer<Double>?
) -> lockstep_status {
  status { () throws(CallError) in
    let batch = try Batch(network, rows: rows, input, input_stride, target, target_stride, loss: loss)
    let mean = try batch.step(learningRate: Double(learning_rate))
    mean_loss?.pointee = mean
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_train_f32(
  _ network: OpaquePointer?, _ rows: Int64, _ input: UnsafePointer<Float>?, _ input_stride: Int64,
  _ target: UnsafePointer<Float>?, _ target_stride: Int64, _ loss: Int32, _ learning_rate: Double,
  _ epochs: Int64, _ batch_size: Int64, _ shuffle: Int32, _ seed: UInt64, _ mean_loss: UnsafeMutablePointer<Double>?
) -> lockstep_status {
  status { () throws(CallError) in
    let batch = try Batch(network, rows: rows, input, input_stride, target, target_stride, loss: loss)
    let schedule = try schedule(
      for: batch, epochs: epochs, batchSize: batch_size, learningRate: learning_rate, shuffles: shuffle != 0,
      seed: seed)
    if let mean = try train(on: batch, schedule: schedule) { mean_loss?.pointee = mean }
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_train_f64(
  _ network: OpaquePointer?, _ rows: Int64, _ input: UnsafePointer<Double>?, _ input_stride: Int64,
  _ target: UnsafePointer<Double>?, _ target_stride: Int64, _ loss: Int32, _ learning_rate: Double,
  _ epochs: Int64, _ batch_size: Int64, _ shuffle: Int32, _ seed: UInt64, _ mean_loss: UnsafeMutablePointer<Double>?
) -> lockstep_status {
  status { () throws(CallError) in
    let batch = try Batch(network, rows: rows, input, input_stride, target, target_stride, loss: loss)
    let schedule = try schedule(
      for: batch, epochs: epochs, batchSize: batch_size, learningRate: learning_rate, shuffles: shuffle != 0,
      seed: seed)
    if let mean = try train(on: batch, schedule: schedule) { mean_loss?.pointee = mean }
  }
}

private func schedule<Element: HandledElement>(
  for batch: Batch<Element>, epochs: Int64, batchSize: Int64, learningRate rate: Double, shuffles: Bool, seed: UInt64
) throws(CallError) -> TrainingSchedule {
  let _: Element = try learningRate(rate)
  let batchSize = try size(batchSize, "batch_size", atLeast: 1)
  let schedule: TrainingSchedule
  do {
    schedule = try TrainingSchedule(
      epochs: Int(clamping: epochs), batchSize: batchSize, learningRate: rate, shuffles: shuffles, seed: seed)
  } catch {
    throw CallError(error)
  }
  let steps = schedule.epochs.multipliedReportingOverflow(by: batch.input.view.rows)
  guard !steps.overflow else {
    throw CallError(
      LOCKSTEP_INVALID_ARGUMENT, "epochs is \(epochs); with so many rows that is more than can be counted")
  }
  return schedule
}

/// Trains; returns the mean of the last epoch's losses.
private func train<Element: HandledElement>(
  on batch: Batch<Element>, schedule: TrainingSchedule
) throws(CallError) -> Double? {
  var latest: Double?
  try batch.withTrainer { (trainer) throws(CallError) in
    do throws(TrainingError) {
      try trainer.train(
        input: batch.input.view, target: batch.target.view, schedule: schedule, onEpoch: { latest = $0.loss })
    } catch {
      throw CallError(error)
    }
  }
  return latest
}

// MARK: - Gradients

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_gradients_f32(
  _ network: OpaquePointer?, _ rows: Int64, _ input: UnsafePointer<Float>?, _ input_stride: Int64,
  _ target: UnsafePointer<Float>?, _ target_stride: Int64, _ loss: Int32,
  _ gradients: UnsafeMutablePointer<Float>?, _ count: Int64, _ mean_loss: UnsafeMutablePointer<Float>?
) -> lockstep_status {
  status { () throws(CallError) in
    let batch = try Batch(network, rows: rows, input, input_stride, target, target_stride, loss: loss)
    let mean = try batch.gradients(to: gradients, count: count)
    mean_loss?.pointee = mean
  }
}

/// See `lockstep.h`.
@c @implementation
public func lockstep_network_gradients_f64(
  _ network: OpaquePointer?, _ rows: Int64, _ input: UnsafePointer<Double>?, _ input_stride: Int64,
  _ target: UnsafePointer<Double>?, _ target_stride: Int64, _ loss: Int32,
  _ gradients: UnsafeMutablePointer<Double>?, _ count: Int64, _ mean_loss: UnsafeMutablePointer<Double>?
) -> lockstep_status {
  status { () throws(CallError) in
    let batch = try Batch(network, rows: rows, input, input_stride, target, target_stride, loss: loss)
    let mean = try batch.gradients(to: gradients, count: count)
    mean_loss?.pointee = mean
  }
}

// MARK: - Batches

/// A checked batch of a network's, and the loss.
private struct Batch<Element: HandledElement> {
  private let handle: NetworkHandle
  private let state: NetworkState<Element>
  let input: Operand<Element>
  let target: Operand<Element>
  private let loss: Loss

  init(
    _ network: OpaquePointer?, rows: Int64, _ input: UnsafePointer<Element>?, _ inputStride: Int64,
    _ target: UnsafePointer<Element>?, _ targetStride: Int64, loss: Int32
  ) throws(CallError) {
    handle = try NetworkHandle.of(network)
    state = try handle.state(as: Element.self)
    let rows = try size(rows, "rows", atLeast: 1)
    self.input = try Operand(input, "input", rows: rows, columns: state.inputs, stride: inputStride)
    self.target = try Operand(target, "target", rows: rows, columns: state.outputs, stride: targetStride)
    self.loss = try LockstepC.loss(loss)
  }

  /// Calls `body` with the trainer of the network, which nobody else uses meanwhile.
  @inline(__always)
  func withTrainer<Value>(
    isTraining: Bool = true, _ body: (Trainer<Element>) throws(CallError) -> Value
  ) throws(CallError) -> Value {
    try handle.lock.writing { () throws(CallError) in
      let trainer = try state.trainer(for: loss, rows: input.view.rows)
      if isTraining { state.setTrained(for: loss) }
      return try body(trainer)
    }
  }

  /// Takes a step; returns the mean loss before it.
  func step(learningRate value: Double) throws(CallError) -> Element {
    let rate: Element = try learningRate(value)
    return try withTrainer { (trainer) throws(CallError) in
      do throws(NetworkError) {
        return try trainer.step(input: input.view, target: target.view, learningRate: rate)
      } catch {
        throw CallError(error)
      }
    }
  }

  /// Writes the gradients; returns the mean loss.
  func gradients(to pointer: UnsafeMutablePointer<Element>?, count: Int64) throws(CallError) -> Element {
    let result = try WrittenOperand(
      pointer, "gradients", count: try size(count, "count", of: state.parameterCount))
    try result.requireDisjoint(from: input)
    try result.requireDisjoint(from: target)
    return try withTrainer(isTraining: false) { (trainer) throws(CallError) in
      var mean = Element.zero
      do throws(NetworkError) {
        try trainer.withGradients(input: input.view, target: target.view) { loss, layers in
          mean = loss
          copy(layers, to: result.view)
        }
      } catch {
        throw CallError(error)
      }
      return mean
    }
  }
}
