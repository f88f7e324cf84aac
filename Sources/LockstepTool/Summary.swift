// How results of model commands read: lines of a name and a text.

import ComputeBackend
import Foundation
import Lockstep

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Lines of a name and a text, the texts one below the other.
func aligned(_ lines: [(name: String, text: String)]) -> [String] {
  TextTable(rows: lines.map { [$0.name, $0.text] }, leadingColumns: [0, 1]).lines
}

/// A number of a precision as short as it can be and still read back to the same bits. Backends may give NaNs of either sign, and
/// the text is the same.
func digits(_ number: Double, in precision: Precision) -> String {
  if number.isNaN { return "nan" }
  return precision == .f32 ? "\(Float(number))" : "\(number)"
}

/// A number with the digits that its precision has.
func number<Element: KernelElement>(_ value: Element) -> String { digits(Double(value), in: Element.precision) }

/// `1 row`, `2 rows`.
func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : "s")"
}

/// `13-64-32-1, relu, 3009 parameters`.
func networkSummary<Element>(_ network: Network<Element>) -> String {
  let hidden = Set(network.layers.dropLast().map(\.activation.rawValue)).sorted()
  return
    ([network.sizes.map(String.init).joined(separator: "-")] + hidden
    + [counted(network.parameterCount, "parameter")]).joined(separator: ", ")
}

/// Bytes of memory that the machine has.
func physicalMemory() -> Double {
  Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE)))
}

/// The name that the CPU gives itself, where the system tells it.
func processorName() -> String? {
  let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
  for line in lines {
    let parts = line.split(separator: ":", maxSplits: 1)
    guard parts.count == 2, parts[0].hasPrefix("model name") else { continue }
    return parts[1].trimmingCharacters(in: .whitespaces)
  }
  return nil
}
