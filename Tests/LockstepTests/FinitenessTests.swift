// Whether a matrix is finite: a number that is not is found wherever it lies, and what lies between rows does not count.

import ComputeBackend
import Testing

@Suite struct FinitenessTests {
  private func check<Element: KernelElement>(_: Element.Type) {
    let largest = Element.greatestFiniteMagnitude
    for (rows, columns, gap) in [(0, 3, 0), (1, 1, 0), (1, 17, 0), (5, 1, 0), (5, 1, 2), (3, 8, 0), (3, 9, 1)] {
      let stride = columns + gap
      var elements = [Element](repeating: -largest, count: rows * stride)
      func isFinite() -> Bool {
        elements.withUnsafeBufferPointer {
          MatrixView($0, rows: rows, columns: columns, stride: stride).isFinite
        }
      }
      #expect(isFinite(), "\(rows) × \(columns)")
      for place in elements.indices {
        for value in [Element.nan, -.nan, .infinity, -.infinity] {
          elements[place] = value
          #expect(isFinite() == (place % stride >= columns), "\(value) at \(place) of \(rows) × \(columns)")
        }
        elements[place] = .leastNonzeroMagnitude
        #expect(isFinite())
      }
    }
  }

  @Test func aNumberThatIsNotFiniteIsFoundAnywhere() {
    check(Float.self)
    check(Double.self)
  }
}
