// Which targets each loss takes.

import ComputeBackend
import Lockstep
import Testing

@Suite struct TargetErrorTests {
  private func error(_ loss: Loss, _ elements: [Double]) -> TargetError? {
    do throws(TargetError) {
      try loss.check(targets: Matrix(rows: elements.count / 2, columns: 2, elements: elements))
      return nil
    } catch {
      return error
    }
  }

  @Test func eachLossTakesItsOwnTargets() {
    for loss in [Loss.meanSquaredError, .meanAbsoluteError, .huber] { #expect(error(loss, [-7, 1e9]) == nil) }
    #expect(error(.binaryCrossEntropy, [0, 1, 0.25, 1, -0.0, 0.5]) == nil)
    #expect(error(.softmaxCrossEntropy, [0, 1, 0.25, 0.75, 0.3333, 0.6667]) == nil)
  }

  @Test func theFirstBadTargetIsNamed() {
    for loss in [Loss.binaryCrossEntropy, .softmaxCrossEntropy] {
      for bad in [-0.5, 1.5, .nan, .infinity] {
        let error = error(loss, [0, 1, 0, bad])
        #expect(error?.row == 1 && error?.column == 1)
      }
    }
    let sum = error(.softmaxCrossEntropy, [1, 0, 0.5, 0.502])
    #expect(sum?.row == 1 && sum?.column == nil)
    #expect(sum?.description.contains("sum to 1.002") == true)
  }
}
