// What types and properties are called for the names of files and columns.

import Testing

@testable import LockstepEmbed

@Suite struct NameTests {
  @Test(arguments: [
    ("celsius", "Celsius"), ("celsius-model", "CelsiusModel"), ("celsius_model", "CelsiusModel"), ("a b.c", "ABC"),
    ("MNIST", "MNIST"), ("x", "X"), ("v1", "V1"), ("2-waves", "Model2Waves"), ("7", "Model7"),
    ("été", "Été"), ("ße", "SSe"), ("温度", "温度"), ("e\u{301}te", "E\u{301}te"), ("٣", "Model٣"), ("-a-", "A"),
    ("a🎉b", "AB"), ("a\u{200D}b", "AB"), ("a\u{b7}b", "AB"),
    // What Swift or the generated code calls something else.
    ("any", "AnyModel"), ("self", "SelfModel"), ("type", "TypeModel"), ("network", "NetworkModel"),
    ("lockstep", "LockstepModel"), ("float", "FloatModel"), ("class", "Class"), ("Protocol", "ProtocolModel"),
    ("backends", "BackendsModel"), ("error", "ErrorModel"), ("result", "ResultModel"), ("trainer", "TrainerModel"),
  ])
  func typesOfFiles(stem: String, name: String) {
    #expect(SwiftNames.type(ofFile: stem) == name)
  }

  @Test(arguments: ["", "-", "___", "🎉", "\u{301}", " . "])
  func filesWithoutAName(stem: String) {
    #expect(SwiftNames.type(ofFile: stem) == nil)
  }

  @Test(arguments: [
    ("celsius", "celsius"), ("Sepal length (cm)", "sepalLengthCm"), ("MEDV", "medv"), ("x1", "x1"), ("X_2", "x2"),
    ("1st", "_1st"), ("in", "in"), ("default", "default"), ("self", "selfValue"), ("init", "initValue"),
    ("Größe", "größe"), ("pH value", "pHValue"),
  ])
  func propertiesOfColumns(column: String, name: String) {
    #expect(SwiftNames.properties(ofColumns: [column]) == [name])
  }

  @Test func columnsThatGiveNoPropertiesOrOneTwice() {
    #expect(SwiftNames.properties(ofColumns: []) == [])
    #expect(SwiftNames.properties(ofColumns: ["a", "%"]) == nil)
    #expect(SwiftNames.properties(ofColumns: ["a b", "a-b"]) == nil)
    #expect(SwiftNames.properties(ofColumns: ["X", "x"]) == nil)
    #expect(SwiftNames.properties(ofColumns: ["X", "y"]) == ["x", "y"])
  }
}
