// Networks inside a program: what a generated type computes, and the text that its parameters stand in. How the type is
// written is tested in LockstepEmbedTests.

import BackendMatrix
import ComputeBackend
import Foundation
import Testing

@testable import Lockstep

/// Two inputs, two outputs: 2 x + 3 y - 1 and its half, as the plugin would write it.
private enum Two: EmbeddedNetwork {
  typealias Element = Float
  static let sizes = [2, 2]
  static let activations: [Activation] = [.leakyReLU]
  static let modelDescription = ModelDescription()
  static let parametersDigest = "8882c2fe9cc32fe5"
  static let predictor = makePredictor()
  static let encodedParameters: StaticString = "AAAAQAAAQEAAAIA/AADAPwAAgL8AAAC/"
}

@Suite struct EmbeddedNetworkTests {
  private let network = Result {
    try Network<Float>(layers: [
      DenseLayer(
        weights: Matrix(rows: 2, columns: 2, elements: [2, 1, 3, 1.5]),
        bias: Matrix(rows: 1, columns: 2, elements: [-1, -0.5]), activation: .leakyReLU)
    ])
  }

  @Test func theNetworkIsTheOneThatWasWritten() throws {
    #expect(Two.network == (try network.get()))
    #expect(Two.parametersDigest == (try network.get()).parametersDigest)
  }

  @Test func everyWayToTheOutputsGivesTheSame() throws {
    let input = Matrix<Float>(rows: 3, columns: 2, elements: [1, 1, 0.5, -4, .infinity, 2])
    let expected: [Float] = [4, 2, -0.12, -0.06, .infinity, .infinity]
    #expect(try Two.predict(input).elements == expected)
    for variant in try Backends.available() {
      #expect(try Two.predictor(on: Backends.make(variant)).predict(input).elements == expected)
    }
    var outputs = [Float](repeating: 7, count: 6)
    var span = outputs.mutableSpan
    try Two.predict(input.elements.span, into: &span)
    #expect(outputs == expected)
    for row in 0..<3 {
      let outputs: InlineArray<2, Float> = Two.outputs(of: [input[row, 0], input[row, 1]])
      #expect(outputs[0] == expected[2 * row] && outputs[1] == expected[2 * row + 1])
    }
  }

  @Test func noRowsAreNoRows() throws {
    #expect(try Two.predict(Matrix(rows: 0, columns: 2)).rows == 0)
    let none: [Float] = []
    var outputs: [Float] = []
    var span = outputs.mutableSpan
    try Two.predict(none.span, into: &span)
    #expect(outputs.isEmpty)
  }

  @Test func spansThatDoNotFitAreRefused() throws {
    let input: [Float] = [1, 2, 3]
    var outputs: [Float] = [7, 7, 7]
    #expect(throws: NetworkError.spanLength(elements: 3, columns: 2, rows: nil)) {
      var span = outputs.mutableSpan
      try Two.predict(input.span, into: &span)
    }
    #expect(throws: NetworkError.spanLength(elements: 3, columns: 2, rows: 1)) {
      var span = outputs.mutableSpan
      try Two.predict(input.span.extracting(first: 2), into: &span)
    }
    #expect(outputs == [7, 7, 7])
  }

  @Test func tasksAtOnceGetTheirOwnAnswers() async throws {
    let answers = await withTaskGroup { group in
      for index in 0..<200 {
        group.addTask {
          let outputs: InlineArray<2, Float> = Two.outputs(of: [Float(index), 1])
          return (index, outputs[0])
        }
      }
      var answers = [Float](repeating: 0, count: 200)
      for await (index, answer) in group { answers[index] = answer }
      return answers
    }
    for (index, answer) in answers.enumerated() { #expect(answer == Float(2 * index + 2)) }
  }

  @Test func damagedParametersStopTheProgram() async {
    enum OtherDigest: EmbeddedNetwork {
      typealias Element = Float
      static let sizes = [1, 1]
      static let activations: [Activation] = [.identity]
      static let modelDescription = ModelDescription()
      static let parametersDigest = "0000000000000000"
      static let predictor = makePredictor()
      static let encodedParameters: StaticString = "AAAAQAAAQEA="
    }
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = OtherDigest.network
    }
    let words = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(words.contains("OtherDigest: the parameters in the program are damaged: their digest is"))
  }
}

@Suite struct Base64Tests {
  /// The examples of RFC 4648, section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func examplesOfTheStandard(bytes: String, text: String) {
    let encoded = Array(bytes.utf8).withUnsafeBytes(Base64.encode)
    #expect(String(decoding: encoded, as: UTF8.self) == text)
    #expect(decode(encoded, count: bytes.utf8.count) == Array(bytes.utf8))
  }

  @Test(arguments: [0, 1, 2, 3, 4, 5, 61, 255, 256, 257, 1_021])
  func bytesComeBack(count: Int) {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }
    let text = bytes.withUnsafeBytes(Base64.encode)
    #expect(text.count == Base64.length(ofBytes: count))
    #expect(String(decoding: text, as: UTF8.self) == Data(bytes).base64EncodedString())
    #expect(decode(text, count: count) == bytes)
  }

  @Test func everyOtherTextIsRefused() {
    for text in ["Zg=", "Zg", "Zg==Zg==", "====", "Z===", "Zg=A", "ZgA=", "Zh==", "Z-==", "Zé="] {
      #expect(decode(Array(text.utf8), count: 1) == nil, "\(text)")
    }
    for text in ["Zm9=", "Zm8A", "Zm==", "Z m8="] { #expect(decode(Array(text.utf8), count: 2) == nil, "\(text)") }
    // Every byte outside of the alphabet, at every place of a whole group.
    let good = Array("AbC+/9zZ".utf8)
    let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    for place in good.indices {
      for byte in UInt8.min...UInt8.max {
        var text = good
        text[place] = byte
        #expect((decode(text, count: 6) != nil) == alphabet.contains(byte), "\(byte) at \(place)")
      }
    }
  }

  private func decode(_ text: [UInt8], count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0xaa, count: count)
    let isSound = text.withUnsafeBufferPointer { text in
      bytes.withUnsafeMutableBytes { Base64.decode(text, into: $0) }
    }
    return isSound ? bytes : nil
  }
}
