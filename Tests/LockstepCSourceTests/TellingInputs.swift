// Inputs at which the last digit of a constant of tanh or sigmoid shows in the result. They were found by changing one
// digit at a time and comparing results at millions of inputs, for most digits show at very few.

import ComputeBackend

/// Inputs that tell exported constants from others.
///
/// For some digits none was found, so that only `ConstantTests` hold them:
///
/// - In `Float` those of the polynomial's coefficients. Results are computed in `Double` and rounded to `Float`, and a digit of
///   a coefficient would show only where a result lies nearer to the middle of two `Float`s than the digit moves it.
/// - In `Double` those of the four last coefficients and of the lower part of ln 2, among 4 to 67 million inputs. They move a
///   result by less than 2⁻²⁵ of its last place.
/// - A greatest or least argument that is one further out: there the result is the limit of the function already.
enum TellingInputs {
  /// The inputs for a network of this activation alone.
  static func inputs(for activation: Activation, _ precision: Precision) -> [Double] {
    switch (activation, precision) {
    // 0x1.62e42fefa38p-1, a digit more and a digit less, of each.
    case (.tanh, .f32): [0x1.72d986p-3, 0x1.9ceb0ap-3, 0x1.d37f14p-3, 0x1.6031acp-2]
    // And the least argument of the sigmoid, -104, where it is greater.
    case (.sigmoid, .f32): [0x1.65937p-2, -0x1.86a80ap-2, -0x1.68184ap-2, -0x1.922c16p+2, -0x1.9c008p+6]
    case (.tanh, .f64): tanhInDouble
    case (.sigmoid, .f64): sigmoidInDouble
    default: []
    }
  }

  private static let tanhInDouble: [Double] = [
    // 0x1.111111110f358p-7, a digit more and a digit less.
    -0x1.c08848fa0596p-3, -0x1.81c746360e78p-3,
    // 0x1.5555555553ae2p-5.
    0x1.9dc78b0e367f8p-3, 0x1.a79155ecab1ep-3,
    // 0x1.6c16c17a0db85p-10.
    -0x1.2988e9757d278p-3, 0x1.59096207fb6d7p-3,
    // 0x1.a01a01b1d755ep-13; two inputs in about 70 million.
    -0x1.3853c34385e8p-3, -0x1.f9c78c324a928p-4,
    // 0x1.71547652b82fep0, at the middle between two counts.
    0x1.62e42fefa39efp-3, 0x1.62e42fefa39fp-3,
    // The 0.5 of the lower part.
    0x1.b8cbbeea88a6dp-3, 0x1.167595eb999e4p-1,
  ]

  private static let sigmoidInDouble: [Double] = [
    // 0x1.111111110f358p-7.
    -0x1.73128da34f858p-2, -0x1.118dadd25f685p-2,
    // 0x1.5555555553ae2p-5.
    -0x1.2cb3bd870fa6cp-2, -0x1.fa269b21ee2eap-1,
    // 0x1.6c16c17a0db85p-10.
    -0x1.b8169bc8b1449p+0, -0x1.8dea3b2e2a74p-2,
    // 0x1.a01a01b1d755ep-13; one input in about 70 million.
    -0x1.37354059488dbp+1, -0x1.3251eecd9dbbap+1,
    // 0x1.71547652b82fep0.
    -0x1.5f9951fdca7a5p+9, -0x1.5f9951fdca7a6p+9,
    // The greatest argument, 746, where it is less.
    -0x1.748fa948e808p+9, -0x1.754f2999273aap+9,
  ]
}
