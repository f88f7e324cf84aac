// How results of model commands read: lines of a name and a text.

import ComputeBackend
import Lockstep

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The lines with their texts in one column.
func aligned(_ lines: [(name: String, text: String)]) -> [String] {
  let width = (lines.map(\.name.count).max() ?? 0) + 2
  return lines.map { $0.name + String(repeating: " ", count: width - $0.name.count) + $0.text }
}

/// `13-64-32-1, relu, 3009 parameters`.
func networkSummary<Element>(_ network: Network<Element>) -> String {
  let hidden = Set(network.layers.dropLast().map(\.activation.rawValue)).sorted()
  return
    ([network.sizes.map(String.init).joined(separator: "-")] + hidden
    + ["\(network.parameterCount) parameters"]).joined(separator: ", ")
}

/// Seconds with three digits after the point.
func shownSeconds(_ seconds: Double) -> String {
  "\((seconds * 1000).rounded() / 1000) s"
}

/// Bytes of memory that the machine has.
func physicalMemory() -> Double {
  Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE)))
}
