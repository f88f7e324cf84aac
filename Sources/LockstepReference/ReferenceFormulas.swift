// Activations and losses on single values, written down a second time. The elementary functions are the project's own: what
// they must give is mathematics, and is tested against exact values, not against another copy.

import ComputeBackend

// Specialised one by one: the callers lie in other files.
extension Reference {
  /// The activation of `z`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  static func value<Element: KernelElement>(of activation: Activation, at z: Element) -> Element {
    switch activation {
    case .identity: return z
    case .relu: return z < 0 ? 0 : z
    case .leakyReLU: return z < 0 ? z * Element(0.01) : z
    case .tanh: return Elementary.tanh(z)
    case .sigmoid: return Elementary.sigmoid(z)
    case .elu: return z <= 0 ? Elementary.expm1(z) : z
    case .softplus:
      let (positivePart, minusMagnitude) = (z < 0 ? 0 : z, z < 0 ? z : -z)
      return positivePart + Elementary.log1p(Elementary.exp(minusMagnitude))
    case .silu: return z * Elementary.sigmoid(z)
    case .gelu: return z * Elementary.normalCDF(z)
    }
  }

  /// True where a derivative takes the sum z, not the activated value.
  static func takesSums(_ activation: Activation) -> Bool { [.softplus, .silu, .gelu].contains(activation) }

  /// The gradient before the activation, from the one after it and the activated value `y`, or from the sum `z` in its
  /// place.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  static func gradient<Element: KernelElement>(
    of activation: Activation, _ gradient: Element, value y: Element
  ) -> Element {
    let z = y
    switch activation {
    case .identity: return gradient
    case .relu: return y <= 0 ? 0 : gradient
    case .leakyReLU: return y <= 0 ? gradient * Element(0.01) : gradient
    case .tanh: return gradient * (1 - y * y)
    case .sigmoid: return gradient * (y * (1 - y))
    case .elu: return y <= 0 ? gradient * (y + 1) : gradient
    case .softplus: return gradient * Elementary.sigmoid(z)
    case .silu:
      let sigmoid = Elementary.sigmoid(z)
      return gradient * (sigmoid * (1 + z * (1 - sigmoid)))
    case .gelu:
      let density = Elementary.exp(z * z * -0.5) * Element(0.3989422804014327)
      return gradient * (Elementary.normalCDF(z) + z * density)
    }
  }

  /// The sum of a row's loss terms and the gradient with respect to its outputs.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  static func row<Element: KernelElement>(
    of loss: Loss, output: [Element], target: [Element], scale: Element
  ) -> (loss: Element, gradient: [Element]) {
    var sum: Element = 0
    var gradient: [Element] = []
    switch loss {
    case .meanSquaredError:
      for j in output.indices {
        let difference = output[j] - target[j]
        sum = sum.addingProduct(difference, difference)
        gradient.append(difference * scale)
      }

    case .binaryCrossEntropy:
      for j in output.indices {
        let (z, t) = (output[j], target[j])
        let positivePart = z < 0 ? 0 : z
        let minusMagnitude = z < 0 ? z : -z
        let term = (positivePart - z * t) + Elementary.log1p(Elementary.exp(minusMagnitude))
        sum = sum + term
        gradient.append((Elementary.sigmoid(z) - t) * scale)
      }

    case .softmaxCrossEntropy:
      guard var largest = output.first else { break }
      for z in output where largest < z { largest = z }
      let exponentials = output.map { z in Elementary.exp(z - largest) }
      let total = chainSum(exponentials)
      let targets = chainSum(target)
      for j in output.indices {
        let (z, t) = (output[j], target[j])
        sum = sum.addingProduct(t, Elementary.log(total) - (z - largest))
        gradient.append((exponentials[j] / total * targets - t) * scale)
      }

    case .meanAbsoluteError:
      for j in output.indices {
        let difference = output[j] - target[j]
        sum = sum + difference.magnitude
        // +0 for zeros of either sign, and NaN for itself.
        gradient.append(difference < 0 ? -1 * scale : difference > 0 ? scale : difference + 0)
      }

    case .huber:
      for j in output.indices {
        let difference = output[j] - target[j]
        let magnitude = difference.magnitude
        sum = sum + (magnitude <= 1 ? difference * difference * 0.5 : magnitude - 0.5)
        gradient.append((difference < -1 ? -1 : difference > 1 ? 1 : difference) * scale)
      }
    }
    return (sum, gradient)
  }

  /// The sum in ascending order, from +0.
  @inline(__always)
  private static func chainSum<Element: KernelElement>(_ terms: [Element]) -> Element {
    var sum: Element = 0
    for term in terms { sum = sum + term }
    return sum
  }
}
