// What crosses into C: enumerations, views and rules under their C names. The switches are written out, so that the compiler
// finds a case that C does not know.

import CLockstepKernels
import ComputeBackend

extension lockstep_matrix {
  init<Element>(_ view: MatrixView<Element>) {
    self.init(base: view.base, rows: view.rows, columns: view.columns, stride: view.stride)
  }
}

extension lockstep_mutable_matrix {
  init<Element>(_ view: MutableMatrixView<Element>) {
    self.init(base: view.base, rows: view.rows, columns: view.columns, stride: view.stride)
  }
}

extension lockstep_narrow_layer {
  init<Element>(_ layer: DenseLayerViews<Element>) {
    self.init(
      weights: lockstep_matrix(layer.weights), bias: layer.bias.base, activation: lockstep_activation(layer.activation),
      weight_gradient: lockstep_mutable_matrix(layer.weightGradient), bias_gradient: layer.biasGradient.base)
  }
}

extension lockstep_precision {
  init(_ precision: Precision) { self = precision == .f32 ? LOCKSTEP_FLOAT : LOCKSTEP_DOUBLE }
}

extension lockstep_instruction_set {
  init?(_ instructionSet: InstructionSet) {
    switch instructionSet {
    case .scalar: return nil
    case .avx2: self = LOCKSTEP_AVX2
    case .avx512: self = LOCKSTEP_AVX512
    case .neon: self = LOCKSTEP_NEON
    }
  }
}

extension lockstep_activation {
  init(_ activation: Activation) {
    self =
      switch activation {
      case .identity: LOCKSTEP_IDENTITY
      case .relu: LOCKSTEP_RELU
      case .leakyReLU: LOCKSTEP_LEAKY_RELU
      case .tanh: LOCKSTEP_TANH
      case .sigmoid: LOCKSTEP_SIGMOID
      case .elu: LOCKSTEP_ELU
      case .softplus: LOCKSTEP_SOFTPLUS
      case .silu: LOCKSTEP_SILU
      case .gelu: LOCKSTEP_GELU
      }
  }
}

extension lockstep_loss_function {
  init(_ loss: Loss) {
    self =
      switch loss {
      case .meanSquaredError: LOCKSTEP_MEAN_SQUARED_ERROR
      case .binaryCrossEntropy: LOCKSTEP_BINARY_CROSS_ENTROPY
      case .softmaxCrossEntropy: LOCKSTEP_SOFTMAX_CROSS_ENTROPY
      case .meanAbsoluteError: LOCKSTEP_MEAN_ABSOLUTE_ERROR
      case .huber: LOCKSTEP_HUBER
      }
  }
}

extension lockstep_update_formula {
  init(_ formula: UpdateFormula) {
    self =
      switch formula {
      case .descent: LOCKSTEP_DESCENT_UPDATE
      case .momentum: LOCKSTEP_MOMENTUM_UPDATE
      case .nesterov: LOCKSTEP_NESTEROV_UPDATE
      case .rmsProp: LOCKSTEP_RMSPROP_UPDATE
      case .adam: LOCKSTEP_ADAM_UPDATE
      }
  }
}

extension lockstep_update_rule {
  init<Element>(_ rule: UpdateRule<Element>) {
    self.init(
      formula: lockstep_update_formula(rule.formula), rate: Double(rule.rate),
      gradient_factor: Double(rule.gradientFactor), weight_decay: Double(rule.weightDecay),
      parameter_factor: Double(rule.parameterFactor), first_decay: Double(rule.firstDecay),
      first_share: Double(rule.firstShare), second_decay: Double(rule.secondDecay),
      second_share: Double(rule.secondShare), root_factor: Double(rule.rootFactor), epsilon: Double(rule.epsilon))
  }
}

extension lockstep_dropout_rule {
  init<Element>(_ rule: DropoutRule<Element>) {
    self.init(
      scale: Double(rule.scale), threshold: rule.threshold, step: rule.step, stream: rule.stream,
      key: (rule.key[0], rule.key[1]))
  }
}
