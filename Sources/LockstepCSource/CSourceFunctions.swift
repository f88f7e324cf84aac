// The functions of the C file, in C: the layer, the activations, the pass. Elementary functions lie in
// CSourceElementary.swift, the numbers in CSourceParameters.swift.

import ComputeBackend

/// The functions of one C file. Each property is a piece of the file.
///
/// All but the last are inlined by force, because on x86-64 the pass is compiled twice: for CPUs that have fused
/// multiply-add, and for all others, where it calls the C library. A function of its own would be compiled for the latter.
///
/// GCC contracts `a * b + c` into a fused multiply-add wherever it is not forbidden, and no pragma forbids it. The file
/// therefore holds no product whose rounding could be seen where a sum follows: either none follows, or one of the
/// factors is a power of two.
struct CSourceFunctions {
  /// What names begin with.
  let name: String
  /// The element type.
  let precision: Precision
  /// `Activation.leakySlope` as a constant of the element type.
  let leakySlope: String

  private var type: String { precision.cType }
  private var fma: String { precision == .f32 ? "fmaf" : "fma" }
  private var macros: String { name.uppercased() }
  private var panelWidth: Int { precision == .f32 ? CSource<Float>.panelWidth : CSource<Double>.panelWidth }

  /// What the file needs, and what it refuses.
  var guards: String {
    """
    #include <float.h>
    #include <math.h>
    #include <stddef.h>
    #include <stdint.h>

    #if defined __FAST_MATH__ || (defined __FINITE_MATH_ONLY__ && __FINITE_MATH_ONLY__) || \\
        defined __ASSOCIATIVE_MATH__ || defined __NO_SIGNED_ZEROS__ || defined __RECIPROCAL_MATH__
    #error "-ffast-math and its parts change results; compile this file without them"
    #endif
    /* 16 evaluates only types narrower than float as _Float16. */
    #if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16
    #error "this compiler rounds to another precision than the type's; on 32-bit x86, add -msse2 -mfpmath=sse"
    #endif

    #if defined __GNUC__
    #define \(macros)_INLINE static inline __attribute__((always_inline))
    #else
    #define \(macros)_INLINE static inline
    #endif


    """
  }

  /// The product of a row with a layer's weights, and the bias.
  var layer: String {
    """
    /* `width` outputs of a layer. Each is one chain over the inputs in ascending order; chains lie side by side, so that
     * the compiler can keep a vector of them in each register. */
    \(macros)_INLINE void \(name)_panel(const \(type) *restrict x, size_t inputs, const \(type) *restrict weights,
        const \(type) *restrict bias, \(type) *restrict y, size_t width) {
      \(type) sums[\(panelWidth)];
      for (size_t j = 0; j < width; ++j) sums[j] = 0;
      for (size_t k = 0; k < inputs; ++k)
        for (size_t j = 0; j < width; ++j) sums[j] = \(fma)(x[k], weights[k * width + j], sums[j]);
      for (size_t j = 0; j < width; ++j) y[j] = sums[j] + bias[j];
    }

    /* Weights are stored in panels of \(panelWidth) outputs, the last one narrower: for each input, those that lead to them. */
    \(macros)_INLINE void \(name)_layer(const \(type) *restrict x, size_t inputs, const \(type) *restrict weights,
        const \(type) *restrict bias, \(type) *restrict y, size_t outputs) {
      const size_t whole = outputs / \(panelWidth) * \(panelWidth);
      for (size_t j = 0; j < whole; j += \(panelWidth))
        \(name)_panel(x, inputs, weights + j * inputs, bias + j, y + j, \(panelWidth));
      if (whole < outputs)
        \(name)_panel(x, inputs, weights + whole * inputs, bias + whole, y + whole, outputs - whole);
    }


    """
  }

  /// For each of these activations, the function that applies it to `count` numbers.
  func activations(_ used: Set<Activation>) -> String {
    let functions = Activation.allCases.filter { used.contains($0) && $0 != .identity }.map { activation in
      """
      \(macros)_INLINE void \(name)_apply_\(activation.cName)(\(type) *y, size_t count) {
        for (size_t j = 0; j < count; ++j) y[j] = \(value(of: activation));
      }


      """
    }
    let elementary = CSourceElementary(name: name, precision: precision)
    return elementary.definitions(of: Set(used.flatMap(\.elementaryFunctions))) + functions.joined()
  }

  /// The activation of `y[j]`.
  private func value(of activation: Activation) -> String {
    switch activation {
    case .identity: "y[j]"
    case .relu: "y[j] < 0 ? 0 : y[j]"
    case .leakyReLU: "y[j] < 0 ? y[j] * \(leakySlope) : y[j]"
    case .tanh, .sigmoid: "\(name)_\(activation.cName)(y[j])"
    case .softplus: "(y[j] < 0 ? 0 : y[j]) + \(name)_log1p(\(name)_exp(y[j] < 0 ? y[j] : -y[j]))"
    case .elu: "y[j] <= 0 ? \(name)_expm1(y[j]) : y[j]"
    case .silu: "y[j] * \(name)_sigmoid(y[j])"
    case .gelu: "y[j] * \(name)_normal_cdf(y[j])"
    }
  }

  /// The pass through the layers. What lies between them is kept in two arrays, in turns.
  func forward(layers: [(inputs: Int, outputs: Int, activation: Activation)]) -> String {
    var text = "\(macros)_INLINE void \(name)_forward(const \(type) *input, \(type) *output) {\n"
    for (array, width) in zip(["odd", "even"], Self.hiddenWidths(layers.dropLast().map(\.outputs))) {
      text += "  \(type) \(array)[\(width)];\n"
    }
    for (index, layer) in layers.enumerated() {
      let source = index == 0 ? "input" : index % 2 == 1 ? "odd" : "even"
      let target = index == layers.count - 1 ? "output" : index % 2 == 0 ? "odd" : "even"
      let parameters = "\(name)_weights_\(index + 1), \(name)_bias_\(index + 1)"
      text += "  \(name)_layer(\(source), \(layer.inputs), \(parameters), \(target), \(layer.outputs));\n"
      if layer.activation != .identity {
        text += "  \(name)_apply_\(layer.activation.cName)(\(target), \(layer.outputs));\n"
      }
    }
    return text + "}\n\n"
  }

  /// The widths of the one or two arrays that hold the outputs of the hidden layers in turns.
  static func hiddenWidths(_ outputs: [Int]) -> [Int] {
    [0, 1].compactMap { first in stride(from: first, to: outputs.count, by: 2).map { outputs[$0] }.max() }
  }

  /// The function that the file is for.
  var predict: String {
    let parameters = "(const \(type) *input, \(type) *output)"
    return """
      void \(name)_predict\(parameters);

      #if defined __GNUC__ && defined __x86_64__ && !defined __FMA__
      /* Programs for any x86-64 CPU may not use fused multiply-add before they have asked for it. */
      __attribute__((target("avx2,fma"))) static void \(name)_forward_fma\(parameters) {
        \(name)_forward(input, output);
      }

      static void \(name)_forward_any\(parameters) { \(name)_forward(input, output); }

      void \(name)_predict\(parameters) {
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
          \(name)_forward_fma(input, output);
        else
          \(name)_forward_any(input, output);
      }
      #else
      void \(name)_predict\(parameters) { \(name)_forward(input, output); }
      #endif

      #undef \(macros)_INLINE

      """
  }
}

extension Activation {
  /// The elementary functions that it is made of.
  fileprivate var elementaryFunctions: [CSourceElementary.Function] {
    switch self {
    case .identity, .relu, .leakyReLU: []
    case .tanh: [.tanh]
    case .sigmoid, .silu: [.sigmoid]
    case .elu: [.expm1]
    case .softplus: [.exp, .log1p]
    case .gelu: [.normalCDF]
    }
  }

  /// What C names call it.
  fileprivate var cName: String {
    switch self {
    case .identity: "identity"
    case .relu: "relu"
    case .leakyReLU: "leaky_relu"
    case .tanh, .sigmoid, .elu, .softplus, .silu, .gelu: rawValue
    }
  }
}
