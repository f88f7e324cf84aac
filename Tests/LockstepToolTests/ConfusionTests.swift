// `lockstep evaluate` on classes: the confusion matrix and the measures made of it.

import Foundation
import Testing

@Suite struct ConfusionTests {
  /// A model that takes numbers above 0 for high and others for low.
  private func modelOfHighAndLow(in folder: TemporaryFolder) throws -> String {
    let data = try folder.write("d.csv", "x,kind\n-1,low\n-2,low\n1,high\n2,high\n3,high\n")
    let model = folder.file("m")
    _ = try Tool.run(
      "train", data, "--target", "kind", "--hidden", "none", "--learning-rate", "1", "--model", model, "--json"
    ).object()
    return model
  }

  @Test func classesAreCountedByName() throws {
    let folder = try TemporaryFolder()
    let model = try modelOfHighAndLow(in: folder)
    // One row is labelled against the rule.
    let test = try folder.write("t.csv", "x,kind\n-1,low\n-2,high\n1,high\n2,high\n")
    let object = try Tool.run("evaluate", model, test, "--json").object()
    #expect(object["accuracy"] as? Double == 0.75)
    // 2 · 2 / 5 for high, 2 · 1 / 3 for low.
    let macroF1 = try #require(object["macro_f1"] as? Double)
    let expected = (0.8 + 2.0 / 3) / 2
    #expect(abs(macroF1 - expected) < 1e-15)
    let confusion = try #require(object["confusion_matrix"] as? [String: Any])
    #expect(confusion["classes"] as? [String] == ["high", "low"])
    #expect(confusion["counts"] as? [[Int]] == [[2, 1], [0, 1]])
    let text = try Tool.run("evaluate", model, test)
    #expect(
      text.lines.suffix(3) == [
        "true \\ predicted  high  low      F1", "high                 2    1  0.8000",
        "low                  0    1  0.6667",
      ], "\(text.output)")
  }

  /// A class that occurs nowhere has no F1, and none is averaged.
  @Test func absentClassesHaveNoScore() throws {
    let folder = try TemporaryFolder()
    let model = try modelOfHighAndLow(in: folder)
    let test = try folder.write("t.csv", "x,kind\n-1,low\n-2,low\n")
    let text = try Tool.run("evaluate", model, test)
    #expect(text.lines.contains { $0.hasPrefix("macro F1 ") && $0.hasSuffix(" 1.0000") }, "\(text.output)")
    #expect(
      text.lines.suffix(2) == ["high                 0    0       –", "low                  0    2  1.0000"],
      "\(text.output)")
  }

  @Test func numbersHaveNoConfusionMatrix() throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("d.csv", "x,y\n-1,1\n-2,2\n1,3\n")
    let model = folder.file("m")
    _ = try Tool.run("train", data, "--target", "y", "--model", model, "--json").object()
    let object = try Tool.run("evaluate", model, data, "--json").object()
    #expect(object["confusion_matrix"] is NSNull)
  }
}
