// The line of progress of a training run: that it never breaks a terminal's line, and what it shows in the room that there is.

import Foundation
import Testing

@testable import LockstepTool

@Suite struct ProgressTests {
  private func line(epochs: Int = 10, measures: [String] = ["loss 0.25", "validation loss 0.5"]) -> ProgressLine {
    ProgressLine(
      epoch: 3, epochs: epochs, share: 0.26, secondsLeft: 35, measures: measures, rowsPerSecond: 12_345.6)
  }

  @Test func whatHasRoomIsShown() {
    let bar = "epoch 3 of 10 [#####...............] 0:35 left"
    #expect(line().text(room: 119) == bar + ", loss 0.25, validation loss 0.5, 12,345 rows/s")
    #expect(line().text(room: 79) == bar + ", loss 0.25, validation loss 0.5")
    #expect(line().text(room: 60) == bar + ", loss 0.25")
    #expect(line().text(room: 39) == "epoch 3 of 10 [##........] 0:35 left")
    #expect(line().text(room: 30) == "epoch 3 of 10, 0:35 left")
    #expect(line().text(room: 20) == "epoch 3 of 10")
    #expect(line().text(room: 5) == "epoch")
    #expect(line(measures: []).text(room: 79) == bar + ", 12,345 rows/s")
  }

  @Test func noLineIsLongerThanItsRoom() {
    let long = ["loss 1.2345678e-05", "validation loss 0.00012345678", "validation accuracy 0.9999"]
    for epochs in [1, 20_000, 4_000_000_000] {
      for room in 0...200 { #expect(line(epochs: epochs, measures: long).text(room: room).count <= room) }
    }
  }

  @Test(arguments: [(0.0, 0), (0.049, 0), (0.05, 1), (0.999, 19), (1, 20), (7, 20), (.nan, 0)])
  func theBarIsOfTheShare(share: Double, cells: Int) {
    let line = ProgressLine(epoch: 1, epochs: 2, share: share, secondsLeft: 1, measures: [], rowsPerSecond: 1)
    #expect(line.text(room: 79).count { $0 == "#" } == cells)
  }

  #if os(Linux)
    @Test(arguments: [40, 80]) func aTerminalsLineIsNeverBroken(columns: Int) throws {
      let folder = try TemporaryFolder()
      let data = try folder.write(
        "d.csv", "x,y\n" + (0..<50).map { "\(Double($0 % 7) / 7),\(Double($0 % 7) / 3 + 0.1)\n" }.joined())
      let (process, read) = try Tool.startOnTerminal(
        ["train", data, "--target", "y", "--hidden", "8", "--validation", "0.2", "--epochs", "4000"], columns: columns)
      let text = read()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      let lines = text.components(separatedBy: "\r\u{1B}[K")
      #expect(lines.contains { $0.hasPrefix("epoch ") && $0.contains(" of 4000") }, "\(text)")
      #expect(lines.contains { $0.contains("loss") } == (columns == 80), "\(text)")
      #expect(lines.allSatisfy { $0.count < columns }, "\(text)")
      #expect(!text.utf8.contains(UInt8(ascii: "\n")))
    }
  #endif
}
