// Memory for the messages of protobuf-c, which are C structures that point to one another. What they say is decided in
// ONNXGraph.swift.

/// Messages, strings and arrays that stay where they are until the memory goes away, all at once.
final class MessageMemory {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit {
    for block in blocks { block.deallocate() }
  }

  /// A message, made empty by protobuf-c's function for its type and then filled.
  func message<Message>(
    _ makeEmpty: (UnsafeMutablePointer<Message>?) -> Void, _ fill: (inout Message) -> Void
  ) -> UnsafeMutablePointer<Message>? {
    let message = allocate(Message.self, count: 1)
    makeEmpty(message)
    fill(&message.pointee)
    return message
  }

  /// A C string.
  func string(_ text: String) -> UnsafeMutablePointer<CChar>? {
    array(text.utf8.map { CChar(bitPattern: $0) } + [0])
  }

  /// A copy of `elements`.
  func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeMutablePointer<Element>? {
    let copy = allocate(Element.self, count: elements.count)
    copy.initialize(from: elements, count: elements.count)
    return copy
  }

  /// The bytes of a copy of `elements`.
  func bytes<Element: BitwiseCopyable>(_ elements: [Element]) -> (start: UnsafeMutablePointer<UInt8>?, count: Int) {
    let copy = UnsafeMutableRawPointer(array(elements))
    let count = elements.count * MemoryLayout<Element>.stride
    return (copy?.bindMemory(to: UInt8.self, capacity: count), count)
  }

  private func allocate<Element>(_: Element.Type, count: Int) -> UnsafeMutablePointer<Element> {
    let pointer = UnsafeMutablePointer<Element>.allocate(capacity: count)
    blocks.append(UnsafeMutableRawPointer(pointer))
    return pointer
  }
}
