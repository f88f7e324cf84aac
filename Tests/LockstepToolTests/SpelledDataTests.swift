// Data that other programs spell in other ways, from the command line: decimal commas, no names, arrays by number.

import Foundation
import Testing

@testable import Lockstep

@Suite struct SpelledDataTests {
  private static let german = "fläche;zimmer;preis\n30,5;3;412,75\n61,25;2;600,5\n12,5;1;250,25\n"

  @Test func numbersWithACommaAreNeverCategories() throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("de.csv", Self.german)
    let model = folder.file("m")
    for target in ["preis", "zimmer"] {
      let run = try Tool.run("train", data, "--target", target, "--delimiter", ";", "--model", model)
      #expect(
        run.exitCode == 1 && run.errors.contains("\"30,5\"") && run.errors.contains("--decimal ,"), "\(run.errors)")
      #expect(!FileManager.default.fileExists(atPath: model))
    }
    // Those who want categories and classes get them.
    let asText = try Tool.run(
      "train", data, "--target", "preis", "--delimiter", ";", "--categories", "fläche", "--loss", "cross-entropy",
      "--json")
    #expect(try asText.object()["sizes"] as? [Int] == [4, 64, 32, 3])
  }

  @Test func decimalCommasAreReadAndKeptInTheRecipe() throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("de.csv", Self.german)
    let points = try folder.write(
      "en.csv", Self.german.replacingOccurrences(of: ",", with: ".").replacingOccurrences(of: ";", with: ","))
    let model = folder.file("m")
    let words = ["--target", "preis", "--learning-rate", "1e-6", "--epochs", "2", "--json"]
    let run = try Tool.run(["train", data, "--delimiter", ";", "--decimal", ",", "--model", model] + words).object()
    let other = try Tool.run(["train", points] + words).object()
    #expect(run["parameters_digest"] as? String == other["parameters_digest"] as? String)
    let recipe = try #require(try NetworkFile(contentsOf: model).recipe())
    #expect(recipe.preparation == ["delimiter": ";", "decimal": ",", "target": "preis"])
    #expect(try Tool.run("reproduce", model, "--data", data).exitCode == 0)
    let options = ["--delimiter", ";", "--decimal", ","]
    let predictions = try Tool.run(["predict", model, data] + options)
    #expect(try predictions.output == Tool.run("predict", model, points).output && predictions.exitCode == 0)
  }

  @Test func rowsWithoutNamesAreNumberedAndReproduced() throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("d.csv", "1,2\n2,3\n3,4\n")
    let named = try folder.write("n.csv", "x0,x1\n1,2\n2,3\n3,4\n")
    let model = folder.file("m")
    let words = ["--target", "x1", "--epochs", "2", "--json"]
    let refused = try Tool.run("train", data, "--target", "2")
    #expect(refused.exitCode == 1 && refused.errors.contains("--no-header"))
    let run = try Tool.run(["train", data, "--no-header", "--model", model] + words).object()
    let other = try Tool.run(["train", named] + words).object()
    #expect(run["parameters_digest"] as? String == other["parameters_digest"] as? String)
    #expect(try Tool.run("reproduce", model, "--data", data).exitCode == 0)
    #expect(try Tool.run("predict", model, data, "--no-header").output == Tool.run("predict", model, named).output)
  }

  /// The arrays to learn from and those to measure on have other names, and their columns with them.
  @Test func columnsWithNumbersForNamesAreTakenInTheirOrder() throws {
    let folder = try TemporaryFolder()
    let (arrays, array, csv) = (try fixture("split.npz"), try fixture("split.npy"), try fixture("split.csv"))
    let model = folder.file("m")
    _ = try Tool.run(
      "train", arrays, "--arrays", "x_train,y_train", "--target", "y_train", "--loss", "cross-entropy", "--standardize",
      "--hidden", "none", "--epochs", "20", "--model", model, "--json"
    ).object()
    #expect(try NetworkFile(contentsOf: model).description.inputColumns?.first == "x_train0")

    let expected = try Tool.run(
      "predict", model, csv, "--features", "length,width,height,weight")
    #expect(expected.exitCode == 0 && expected.lines.count == 4, "\(expected.errors)")
    for words in [
      [arrays, "--arrays", "x_test,y_test"], [arrays, "--arrays", "x_test"], [array],
    ] {
      let run = try Tool.run(["predict", model] + words)
      #expect(run.exitCode == 0 && run.output == expected.output, "\(words): \(run.errors)")
    }
    let measured = try Tool.run(
      "evaluate", model, arrays, "--arrays", "x_test,y_test", "--target", "y_test", "--json"
    ).object()
    let same = try Tool.run(
      "evaluate", model, csv, "--features", "length,width,height,weight", "--target", "class", "--json"
    ).object()
    #expect(measured["loss"] as? Double == same["loss"] as? Double && measured["rows"] as? Int == 3)
    let unnamed = try Tool.run("evaluate", model, arrays, "--arrays", "x_test,y_test")
    #expect(unnamed.exitCode == 1)
    for part in ["no column \"y_train\"", "--target", "\"x_test0\" to \"x_test3\", \"y_test\""] {
      #expect(unnamed.errors.contains(part), "\(unnamed.errors)")
    }
  }

  @Test func aModelOfNamedColumnsTakesAnArray() throws {
    let folder = try TemporaryFolder()
    let (arrays, array, csv) = (try fixture("split.npz"), try fixture("split.npy"), try fixture("split.csv"))
    let model = folder.file("m")
    _ = try Tool.run(
      "train", csv, "--target", "class", "--epochs", "3", "--scale", "2", "--model", model, "--json"
    ).object()
    let expected = try Tool.run("predict", model, csv).output
    #expect(try Tool.run("predict", model, array).output == expected)
    let wrong = try Tool.run("predict", model, arrays, "--arrays", "y_test")
    #expect(wrong.exitCode == 1 && wrong.errors.contains("\"length\", \"width\", \"height\", \"weight\" are missing"))
    // More training takes the names of its data.
    let second = folder.file("2")
    _ = try Tool.run(
      "train", arrays, "--arrays", "x_test,y_test", "--target", "y_test", "--initial-model", model, "--epochs", "1",
      "--model", second, "--json"
    ).object()
    #expect(try NetworkFile(contentsOf: second).description.inputColumns == (0..<4).map { "x_test\($0)" })
    #expect(try Tool.run("reproduce", second, "--data", arrays, "--initial-model", model).exitCode == 0)
  }

  @Test func classesAreKnownHoweverTheirNumbersAreSpelled() throws {
    let folder = try TemporaryFolder()
    let data = try folder.write("d.csv", "a,y\n1,2\n2,10\n3,2\n")
    let pandas = try folder.write("p.csv", "a,y\n1,2.0\n2,10.0\n3,2.0\n")
    let model = folder.file("m")
    _ = try Tool.run(
      "train", data, "--target", "y", "--loss", "cross-entropy", "--epochs", "1", "--model", model, "--json"
    )
    .object()
    let (first, second) = try (
      Tool.run("evaluate", model, data, "--json").object(), Tool.run("evaluate", model, pandas, "--json").object()
    )
    #expect(first["loss"] as? Double == second["loss"] as? Double)
  }

  @Test func labelsThatAreMissingAreAskedFor() throws {
    let folder = try TemporaryFolder()
    let (array, model) = (try fixture("split.npy"), folder.file("m"))
    let labels = try folder.write("l.csv", "label\n1\n0\n1\n")
    _ = try Tool.run("train", array, "--labels", labels, "--epochs", "1", "--model", model, "--json").object()
    let run = try Tool.run("evaluate", model, array)
    #expect(run.exitCode == 1)
    for part in ["no column \"label\"", "--labels", "\"x0\" to \"x3\""] {
      #expect(run.errors.contains(part), "\(run.errors)")
    }
  }
}
