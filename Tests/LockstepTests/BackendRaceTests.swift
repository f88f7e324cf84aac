// The rule of the race, driven by made-up times: who wins, who leaves, what a tie is, which rows share a race.

import Testing

@testable import Lockstep

@Suite("A race")
struct BackendRaceTests {
  static let muchWork = 1e9

  /// Runs a race to its end, or as many calls; `seconds` gives the time of a call by candidate and its number, from 0.
  /// Returns who had the calls.
  func run(
    _ race: inout BackendRace, rows: Int = 1, atMost limit: Int = 1000, seconds: (Int, Int) -> Double
  ) -> [Int] {
    var had: [Int] = []
    while race.winner == nil, had.count < limit {
      let call = race.next
      let number = had.count { $0 == call.candidate }
      had.append(call.candidate)
      race.record(call, seconds: seconds(call.candidate, number), rows: rows)
    }
    return had
  }

  @Test("The fastest wins, by its best time, after three rounds of turns")
  func fastest() {
    var race = BackendRace(threads: [2, 1, 1], work: Self.muchWork)
    let times = [1.1e-3, 1.2e-3, 1e-3]
    let had = run(&race) { candidate, _ in times[candidate] }
    #expect(race.winner == 2)
    #expect(had == Array(repeating: [0, 0, 0, 1, 1, 1, 2, 2, 2], count: 3).flatMap(\.self))
    #expect(race.runners.map(\.calls) == [9, 9, 9])
    #expect(race.runners.map(\.best) == times)
    #expect(race.runners.allSatisfy { $0.standing == .racing })
  }

  @Test("A first call that is slow decides nothing, and noise on single calls neither")
  func noise() {
    var race = BackendRace(threads: [2, 1], work: Self.muchWork)
    // Every turn of the faster one starts cold, and one more of its calls is disturbed.
    _ = run(&race) { candidate, number in
      candidate == 0 ? (number % 3 == 2 ? 1e-3 : 50e-3 / 11) : 1.2e-3
    }
    #expect(race.winner == 0)
    #expect(race.runners[0].best == 1e-3)
  }

  @Test("Who is much slower leaves after a turn")
  func elimination() {
    var race = BackendRace(threads: [2, 1, 1], work: Self.muchWork)
    let had = run(&race) { candidate, _ in [1e-3, 1.6e-3, 1.4e-3][candidate] }
    #expect(race.winner == 0)
    #expect(had.count { $0 == 1 } == 3)
    #expect(had.count { $0 == 2 } == 9)
    #expect(race.runners.map(\.standing) == [.racing, .lost, .racing])
  }

  @Test("Who led until a much faster one came leaves, too, and the race ends when one is left")
  func leaderLoses() {
    var race = BackendRace(threads: [4, 1], work: Self.muchWork)
    let had = run(&race) { candidate, _ in [2e-3, 1e-3][candidate] }
    #expect(race.winner == 1)
    #expect(had == [0, 0, 0, 1, 1, 1])
    #expect(race.runners[0].standing == .lost)
  }

  @Test("Of calls that take long, a hopeless one is the candidate's last")
  func hopeless() {
    var race = BackendRace(threads: [2, 1], work: Self.muchWork)
    let had = run(&race) { candidate, _ in [0.1, 0.31][candidate] }
    #expect(had == [0, 0, 0, 1])
    #expect(race.winner == 0)
    var quick = BackendRace(threads: [2, 1], work: Self.muchWork)
    #expect(run(&quick) { candidate, _ in [1e-3, 3.1e-3][candidate] } == [0, 0, 0, 1, 1, 1])
  }

  @Test("Times within 3 % are a tie, which goes to fewer threads; among as many, to the faster")
  func ties() {
    var race = BackendRace(threads: [4, 2, 1, 1], work: Self.muchWork)
    _ = run(&race) { candidate, _ in [1e-3, 1.02e-3, 1.029e-3, 1.028e-3][candidate] }
    #expect(race.winner == 3)
    var clear = BackendRace(threads: [4, 2, 1, 1], work: Self.muchWork)
    _ = run(&clear) { candidate, _ in [1e-3, 1.02e-3, 1.04e-3, 1.04e-3][candidate] }
    #expect(clear.winner == 1)
  }

  @Test("Thread counts beyond one that has lost do not run")
  func leftOut() {
    let threads = [16, 8, 4, 2, 1, 1]
    var race = BackendRace(threads: threads, work: Self.muchWork)
    let had = run(&race) { candidate, _ in 16e-3 / Double(threads[candidate]) }
    #expect(race.winner == 0)
    #expect(Set(had) == [0, 1])
    #expect(race.runners.map(\.standing) == [.racing, .lost, .leftOut, .leftOut, .leftOut, .leftOut])

    // With little work the fewest threads go first, and many do not enter.
    var small = BackendRace(threads: threads, work: Double(8 * BackendRace.leastWorkPerThread))
    let others = run(&small) { candidate, _ in 10e-6 * Double(threads[candidate]) }
    #expect(Set(others) == [3, 4, 5])
    #expect(others[0] == 4)
    #expect(small.runners.map(\.standing) == [.tooLittleWork, .leftOut, .leftOut, .lost, .racing, .racing])
    #expect(small.winner == 4)
  }

  @Test("Short calls have longer turns")
  func shortCalls() {
    var race = BackendRace(threads: [1, 1], work: 1)
    let had = run(&race) { candidate, _ in [200e-9, 160e-9][candidate] }
    #expect(had.count == 2 * BackendRace.rounds * BackendRace.turn.calls)
    #expect(race.winner == 1)
  }

  @Test("Calls of a clock that stands still come to an end, and one candidate alone needs no race")
  func degenerate() {
    var race = BackendRace(threads: [2, 1], work: Self.muchWork)
    _ = run(&race) { _, _ in 0 }
    #expect(race.winner == 1)
    #expect(BackendRace(threads: [3], work: 0).winner == 0)
    #expect(BackendRace(threads: [3, 1], work: 0).winner == 1)
  }

  @Test("Times are compared by the row, and late calls of a turn that is over are counted, not timed")
  func rowsAndLateCalls() {
    var race = BackendRace(threads: [2, 1], work: Self.muchWork)
    let late = race.next
    for rows in [10, 10, 12] { race.record(race.next, seconds: 1e-3 * Double(rows), rows: rows) }
    #expect(abs(race.runners[0].best - 1e-3) < 1e-12)
    #expect(race.next.candidate == 1)
    race.record(late, seconds: 1e-9, rows: 10)
    #expect(race.runners[0].calls == 4)
    #expect(abs(race.runners[0].best - 1e-3) < 1e-12)
    #expect(race.next.candidate == 1)
  }

  @Test("Each number of rows has one class, which holds it; the classes lie in order, and none is wide")
  func rowClasses() {
    for rows in 0...16 { #expect(RowClass(rows: rows).rows == rows...rows) }
    var next = 0
    for index in 0..<RowClass.count {
      let rows = RowClass(rows: next).rows
      #expect(RowClass(rows: next).index == index)
      #expect(rows.lowerBound == next)
      #expect(RowClass(rows: rows.upperBound).index == index)
      #expect(Double(rows.upperBound) <= 1.25 * Double(rows.lowerBound) || rows.count == 1)
      next = rows.upperBound &+ 1
    }
    #expect(next == .min, "the last class ends with the largest number")
    #expect(RowClass(rows: 128) == RowClass(rows: 150))
    #expect(RowClass(rows: 128) != RowClass(rows: 96))
  }
}
