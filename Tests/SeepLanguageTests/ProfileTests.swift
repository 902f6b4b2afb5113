// What a profile counts and times, and that a program does not notice it.
import Foundation
import Ground
import SeepLanguage
import Testing

/// A function of the library that works for so many milliseconds.
private let busy = Builtin("busy(milliseconds)", "Works.") { call in
  let until = MonotonicTime.nanoseconds + (try call.int("milliseconds")) * 1_000_000
  while MonotonicTime.nanoseconds < until {}
  return .none
}

private var library: Library { CoreLibrary.library + Library([busy]) }

private func profiled(_ text: String) throws -> (ProfileSummary, Profile, Failure?) {
  let session = Session(library: library)
  let profile = try session.startProfile()
  let result = session.evaluate(text, name: "t.seep")
  profile.stop()
  if case .failure(let failure) = result { return (profile.summary, profile, failure) }
  return (profile.summary, profile, nil)
}

extension ProfileSummary {
  fileprivate func line(_ number: Int) -> LineRow? { lines.first { $0.line == number } }
  fileprivate func function(_ name: String) -> FunctionRow? { functions.first { $0.name == name } }
  fileprivate func native(_ name: String) -> NativeRow? { natives.first { $0.name == name } }
}

/// What a text took, and its lines 6 and 7.
private func proportion(_ text: String) throws -> (ProfileSummary, ProfileSummary.LineRow, ProfileSummary.LineRow) {
  let (found, _, _) = try profiled(text)
  return (found, try #require(found.line(6)), try #require(found.line(7)))
}

extension LanguageTests {
  @Suite("Profile", .serialized)
  struct ProfileTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Scripts/language")

    static var scripts: [String] {
      let paths = (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []
      return paths.filter { $0.hasSuffix(".seep") }.sorted()
    }

    @Test("a script prints and fails the same under a profile", arguments: scripts)
    func script(_ path: String) throws {
      let file = Self.folder.appending(path: path)
      var profile: Profile?
      let report = ScriptRunner.run(
        try TextFile.read(file.path), name: path, folder: file.deletingLastPathComponent().path
      ) {
        let session = Session(library: CoreLibrary.library)
        profile = try? session.startProfile()
        return session
      }
      profile?.stop()
      #expect(report.problems.isEmpty, "\(report.problems.joined(separator: "\n"))")
    }

    @Test("lines and calls are counted") func counts() throws {
      let (found, _, failure) = try profiled(
        """
        fn half(x) {
          if x % 2 == 0 {
            x // 2
          } else {
            x
          }
        }
        var total = 0
        for i in 0..1000 {
          total += half(i)
        }
        while total > 0 {
          total = total // 2
        }
        let squares = map(0..10, x => x * x)
        """)
      #expect(failure == nil)
      #expect(found.function("half")?.calls == 1000)
      #expect(found.function("")?.calls == 10)
      #expect(found.line(2)?.hits == 1000)
      #expect(found.line(3)?.hits == 500)
      #expect(found.line(5)?.hits == 500)
      #expect(found.line(8)?.hits == 1)
      #expect(found.line(9)?.hits == 1)
      #expect(found.line(10)?.hits == 1000)
      // The sum is 374750: 19 halvings.
      #expect(found.line(13)?.hits == 19)
      #expect(found.line(12)?.hits == 20)
      #expect(found.line(15)?.hits == 11)
      #expect(found.line(10)?.source == "total += half(i)")
      #expect(found.native("map")?.calls == 1)
    }

    @Test("own times and what lies outside of lines are the time that passed") func sum() throws {
      let (found, _, _) = try profiled("fn f(n) {\n  busy(n)\n}\nfor i in 0..20 {\n  f(2)\n}")
      let lines = found.lines.reduce(0) { $0 + $1.own }
      let functions = found.functions.reduce(0) { $0 + $1.own }
      #expect(abs(lines + found.outside - found.time) < 1e-6)
      #expect(abs(functions + found.outside - found.time) < 1e-6)
      #expect(found.samples > 20)
    }

    @Test("a line that works three times as long shows three times the time") func proportions() throws {
      let text = """
        fn work(n) {
          var x = 0.5
          for i in 0..n { x = x * 0.999 + 0.25 }
          x
        }
        let a = work(12000000)
        let b = work(4000000)
        """
      // The times are a clock's: where others take the processor during one of the two lines, it counts for that line, so three tries.
      var (found, a, b) = try proportion(text)
      for _ in 0..<2 where a.total / b.total < 2 || a.total / b.total > 4.5 { (found, a, b) = try proportion(text) }
      #expect(a.total / b.total > 2 && a.total / b.total < 4.5, "\(a.total) and \(b.total)")
      // All of it within line 3.
      let inner = try #require(found.line(3))
      #expect(inner.own > 0.8 * (a.total + b.total))
      #expect(a.own < 0.1 * a.total)
    }

    @Test("calls of the library are timed by the clock, recursion once") func natives() throws {
      let (found, _, _) = try profiled(
        "let f = n => if n == 0 { busy(30) } else { map([n - 1], f) }\nmap([3], f)\nbusy(10)")
      let (busy, map) = (try #require(found.native("busy")), try #require(found.native("map")))
      #expect(busy.calls == 2)
      #expect(busy.total >= 0.04 && busy.total <= found.time)
      #expect(map.calls == 4)
      #expect(map.total >= 0.03 && map.total <= found.time - 0.01)
      #expect(map.own < 0.5 * map.total)
    }

    @Test("after a caught error times go to the right lines") func unwound() throws {
      let (found, _, failure) = try profiled(
        """
        fn deep(n) {
          if n == 0 { raise "end" }
          deep(n - 1)
        }
        try { deep(50) } catch e { none }
        busy(40)
        """)
      #expect(failure == nil)
      #expect(found.function("deep")?.calls == 51)
      #expect(try #require(found.line(6)).own > 0.03)
      #expect(try #require(found.function("deep")).total < 0.02)
    }

    @Test("a program that fails is profiled as far as it went, and fails the same") func failed() throws {
      let text = "fn f(x) {\n  busy(5)\n  1 / x\n}\nf(0)"
      let (found, _, failure) = try profiled(text)
      guard case .failure(let plain) = Session(library: library).evaluate(text, name: "t.seep") else {
        Issue.record("it does not fail")
        return
      }
      #expect(failure?.text == plain.text)
      #expect(found.line(2)?.hits == 1)
      #expect(found.line(3)?.hits == 1)
      #expect(try #require(found.line(5)).total >= 0.004)
    }

    @Test("code that was compiled under a profile runs on without it") func after() throws {
      let session = Session(library: library)
      let profile = try session.startProfile()
      _ = session.evaluate("fn f(x) {\n  let y = x + 1\n  y\n}", name: "a")
      profile.stop()
      guard case .success(let value) = session.evaluate("map([1, 2], f)", name: "b") else {
        Issue.record("it fails")
        return
      }
      #expect(session.display(value) == "[2, 3]")
    }

    @Test("the file is speedscope's") func json() throws {
      let (found, profile, _) = try profiled("fn f() {\n  busy(20)\n}\nf()")
      let text = profile.json("t.seep", exporter: "seep test")
      let file = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      #expect(file["$schema"] as? String == "https://www.speedscope.app/file-format-schema.json")
      let shared = try #require(file["shared"] as? [String: Any])
      let frames = try #require(shared["frames"] as? [[String: Any]])
      let one = try #require((file["profiles"] as? [[String: Any]])?.first)
      #expect(one["type"] as? String == "sampled")
      #expect(one["unit"] as? String == "nanoseconds")
      let samples = try #require(one["samples"] as? [[Int]])
      let weights = try #require(one["weights"] as? [Int])
      #expect(samples.count == weights.count)
      #expect(samples.joined().allSatisfy { frames.indices.contains($0) })
      #expect(one["endValue"] as? Int == weights.reduce(0, +))
      #expect(abs(Double(weights.reduce(0, +)) * 1e-9 - found.time) < 1e-6)
      // Outermost first: the statements, the function, the call of the library.
      let longest = try #require(zip(samples, weights).max { $0.1 < $1.1 }?.0)
      #expect(longest.map { frames[$0]["name"] as? String } == ["t.seep:4", "f:2", "busy(…)"])
      #expect(frames[longest[1]]["line"] as? Int == 2)
      let own = try #require(file["seep"] as? [String: Any])
      #expect((own["lines"] as? [[String: Any]])?.first?["line"] as? Int == 2)
      #expect((own["library"] as? [[String: Any]])?.first?["name"] as? String == "busy")
    }

    @Test("the report names lines, functions and calls") func text() throws {
      let (found, _, _) = try profiled("fn f() {\n  busy(20)\n}\nf()")
      let text = found.text("t.seep")
      for part in [
        "profile of t.seep: ", "t.seep:2  busy(20)", "f  t.seep:1", "statements of t.seep", "call of the library",
        "busy\n",
      ] {
        #expect(text.contains(part), "\(part) in \(text)")
      }
    }
  }
}
