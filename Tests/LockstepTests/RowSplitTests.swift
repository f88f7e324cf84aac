// Rows parted into those that train and those that validate.

import ComputeBackend
import Lockstep
import Testing

@Suite struct RowSplitTests {
  @Test func theRowsNeverChange() throws {
    #expect(try RowSplit(rows: 10, validation: 0.3, seed: 1).validation == [1, 4, 5])
    var stream = RandomStream(seed: 1, purpose: .split)
    #expect(try RowSplit(rows: 10, validation: 0.3, seed: 1).validation == stream.permutation(10).prefix(3).sorted())
  }

  @Test(arguments: [(2, 0.5, 1), (3, 0.5, 2), (10, 0.2, 2), (7, 0.9, 6), (101, 0.25, 25), (1000, 0.1, 100)])
  func everyRowIsInOnePart(rows: Int, fraction: Double, count: Int) throws {
    let split = try RowSplit(rows: rows, validation: fraction, seed: 5)
    #expect(split.validation.count == count)
    #expect((split.training + split.validation).sorted() == Array(0..<rows))
    #expect(split.training == split.training.sorted() && split.validation == split.validation.sorted())
    #expect(try split == RowSplit(rows: rows, validation: fraction, seed: 5))
  }

  @Test func anotherSeedGivesOtherRows() throws {
    #expect(try RowSplit(rows: 1000, validation: 0.2, seed: 1) != RowSplit(rows: 1000, validation: 0.2, seed: 2))
  }

  @Test(arguments: [0, 1, -0.1, 1.5, .nan, .infinity])
  func aFractionThatIsNoneIsRefused(fraction: Double) {
    #expect(throws: TrainingError.self) { try RowSplit(rows: 10, validation: fraction, seed: 1) }
  }

  @Test(arguments: [(0, 0.5), (1, 0.5), (10, 0.01), (10, 0.99)])
  func anEmptyPartIsRefused(rows: Int, fraction: Double) {
    #expect(throws: TrainingError.self) { try RowSplit(rows: rows, validation: fraction, seed: 1) }
  }

  @Test func rowsOfAMatrixAreCopied() {
    let matrix = Matrix<Float>(rows: 3, columns: 2, elements: [1, 2, 3, 4, 5, 6])
    #expect(matrix.rows([2, 0, 2]) == Matrix(rows: 3, columns: 2, elements: [5, 6, 1, 2, 5, 6]))
    #expect(matrix.rows([]) == Matrix(rows: 0, columns: 2))
  }
}
