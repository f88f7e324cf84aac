// Whole trainings against committed numbers: bits that must be the same on every machine, and NumPy's results, which must
// be close.

import BackendMatrix
import ComputeBackend
import Foundation
import Lockstep
import Testing

/// A training that `golden_numpy.py` or `golden_pytorch.py` describes and has run.
struct GoldenTraining: Decodable, CustomTestStringConvertible {
  let sizes: [Int]
  let activation: String
  let loss: String
  let rows: Int
  let steps: Int
  let learningRate: Double
  /// An optimiser with its defaults; plain descent where there is none.
  let optimizer: String?
  let weightDecay: Double?
  let clipNorm: Double?
  let losses: [Double]
  let parameters: [Double]

  var testDescription: String { "\(sizes) \(activation) \(loss) \(optimizer ?? "")" }

  static let all = trainings(in: "golden_numpy")

  static func trainings(in name: String) -> [GoldenTraining] {
    let file = Bundle.module.url(forResource: name, withExtension: "json")!
    return try! JSONDecoder().decode([GoldenTraining].self, from: Data(contentsOf: file))
  }

  /// The script's `data`: multiples of 1/1024 between -1 and 1, exact in `Float`.
  static func data<Element: KernelElement>(_ count: Int, factor: Int, offset: Int) -> [Element] {
    (0..<count).map { Element(($0 * factor + offset) % 2003 - 1001) / 1024 }
  }

  var lossKind: Loss { Loss(rawValue: loss)! }

  func network<Element: KernelElement>(_: Element.Type) throws -> Network<Element> {
    let shape = try Network<Element>(sizes: sizes, hidden: Activation(rawValue: activation)!, seed: 0)
    return Network(
      shapedAs: shape, parametersInFileOrder: Self.data(shape.parameterCount, factor: 1031, offset: 0))
  }

  func batch<Element: KernelElement>(_: Element.Type) -> (input: Matrix<Element>, target: Matrix<Element>) {
    let outputs = sizes[sizes.count - 1]
    var targets: [Element] = Self.data(rows * outputs, factor: 1543, offset: 77)
    switch lossKind {
    case .meanSquaredError, .meanAbsoluteError, .huber: break
    case .binaryCrossEntropy: targets = targets.map { $0 > 0 ? 1 : 0 }
    case .softmaxCrossEntropy:
      targets = (0..<rows).flatMap { row in (0..<outputs).map { $0 == row * 7 % outputs ? 1 : 0 } }
    }
    return (
      Matrix(rows: rows, columns: sizes[0], elements: Self.data(rows * sizes[0], factor: 7919, offset: 5)),
      Matrix(rows: rows, columns: outputs, elements: targets)
    )
  }

  /// The losses of all steps and the network after them.
  func train<Element: NetworkElement>(
    on backend: any ComputeBackend<Element>
  ) throws -> (losses: [Element], network: Network<Element>) {
    let kind = Optimizer.Kind(rawValue: optimizer ?? "sgd")!
    let method = try TrainingMethod(optimizer: Optimizer(kind, weightDecay: weightDecay ?? 0), clipNorm: clipNorm)
    let trainer = Trainer(try network(Element.self), loss: lossKind, backend: backend, method: method)
    let (input, target) = batch(Element.self)
    let losses = try (0..<steps).map { _ in
      try trainer.step(input: input, target: target, learningRate: Element(learningRate))
    }
    return (losses, trainer.network)
  }
}

extension GoldenTraining {
  /// Compares the digest of losses and parameters on every backend.
  func compareDigest<Element: NetworkElement>(_ digest: String, _: Element.Type) throws {
    for backend in try allBackends(Element.self) {
      let (losses, network) = try train(on: backend)
      #expect(Digest.fnv1a(losses + network.parametersInFileOrder) == digest, "\(backend.name)")
    }
  }

  /// The largest error of a loss or parameter, relative to it or to `floor`, whichever is larger.
  func largestError<Element: NetworkElement>(_: Element.Type, floor: Double = 1) throws -> Double {
    let (found, network) = try train(on: Backends.make(as: Element.self))
    let all = found + network.parametersInFileOrder
    let expected = losses + parameters
    #expect(all.count == expected.count)
    return zip(all, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1) / max(floor, abs($1.1))) }
  }
}

@Suite struct GoldenTests {
  /// Digests of losses and parameters after each of the golden trainings: the same on every machine. They change only
  /// with the version of the order of arithmetic.
  static let digests: [(f32: String, f64: String)] = [
    (f32: "5e75d82d220ffbf8", f64: "8dcfd302cad0b0bb"),
    (f32: "4e79d89634807a16", f64: "b79ba604e8af06ea"),
    (f32: "244dcc5943dde0f3", f64: "06310ae53a698e1b"),
    (f32: "c546e72b2e03d4eb", f64: "aba6978686741c4f"),
    (f32: "57a4ee697b12073e", f64: "8e34045bcc234ea3"),
    (f32: "53dd301b57b8995c", f64: "479f7c2e0688ea7b"),
    (f32: "d90c65d479444310", f64: "4fadbf37dd2453de"),
    (f32: "7d2390aa2d6c7370", f64: "02f29205604dc83d"),
    (f32: "88c4b38f173016bc", f64: "6d4d442ec83792c8"),
    (f32: "2d0d2ed9cc596286", f64: "b3fd74526e7e3d0c"),
    (f32: "f7a05800a4844a69", f64: "2e4cc8d61ac37f6d"),
    (f32: "70a71c835acfee45", f64: "3089b82258012d5d"),
  ]

  @Test func everyGoldenTrainingHasItsDigests() {
    #expect(Self.digests.count == GoldenTraining.all.count)
    #expect(Set(Self.digests.flatMap { [$0.f32, $0.f64] }).count == 2 * Self.digests.count)
  }

  @Test(arguments: zip(GoldenTraining.all, digests))
  func bitsAreThoseOfEveryMachine(training: GoldenTraining, digest: (f32: String, f64: String)) throws {
    try training.compareDigest(digest.f32, Float.self)
    try training.compareDigest(digest.f64, Double.self)
  }

  /// The same trainings in NumPy, in double precision. Both sides round each of a few hundred operations a sum to 2^-53,
  /// in different orders, through at most 50 steps: 1e-12 leaves room for that and for no mistake. In single precision
  /// the same reasoning gives 2^29 as much: 5e-4.
  @Test(arguments: GoldenTraining.all)
  func numbersAreThoseOfNumPy(training: GoldenTraining) throws {
    let double = try training.largestError(Double.self)
    let single = try training.largestError(Float.self)
    #expect(double < 1e-12)
    #expect(single < 5e-4)
    // A comparison that cannot fail would show no difference at all.
    #expect(single > 0)
  }
}
