// What a profile found, added up: by line, by function, by call of the library, by operation of the engine.
import Ground

/// The result of a profile. Times are in seconds.
public struct ProfileSummary: Sendable {
  /// A line of a file.
  public struct LineRow: Sendable {
    public var file: SourceHandle
    /// From 1.
    public var line: Int
    /// Time in which the line was the innermost one of the program; calls of the library belong to it.
    public var own: Double
    /// Time in which the line was open: with the functions that it calls.
    public var total: Double
    /// How often the program came to it.
    public var hits: Int
    /// As it stands there, without blanks around it.
    public var source: String
  }

  /// A function of the program, or the statements of a file.
  public struct FunctionRow: Sendable {
    /// nil for the statements of a file; empty for a function without a name.
    public var name: String?
    public var file: SourceHandle
    /// Where it begins.
    public var line: Int
    /// How often it was called.
    public var calls: Int
    public var own: Double
    public var total: Double

    /// In a report and on a flame graph.
    public var title: String {
      guard let name else { return file.name }
      return name.isEmpty ? TraceEntry.anonymous : name
    }
  }

  /// A function of the library, or calls of its objects.
  public struct NativeRow: Sendable {
    public var name: String
    public var calls: Int
    /// By the clock, from the outermost call of the name to its end.
    public var total: Double
    /// Of that, without the program's functions and the other calls of the library that it makes; by samples.
    public var own: Double
  }

  /// Operations of the engine of one kind.
  public struct OperationRow: Sendable {
    public var name: String
    public var calls: Int
    /// By the clock, without operations of other kinds within.
    public var time: Double
    /// Floating-point operations, where they are known.
    public var flops: Int
  }

  /// From the start to the end, by the clock.
  public var time: Double
  /// How often the program was looked at.
  public var samples: Int
  /// Time in which no line of the program was open: reading and compiling it.
  public var outside = 0.0
  /// Greatest own time first, as in all of these.
  public var lines: [LineRow] = []
  public var functions: [FunctionRow] = []
  public var natives: [NativeRow] = []
  public var operations: [OperationRow] = []
  /// Operations that other threads began by themselves, within none of the program's thread.
  public var elsewhere: (calls: Int, time: Double)
}

extension Profile {
  private struct Place: Hashable {
    var file: ObjectIdentifier
    var line: Int
  }

  /// What was found; after `stop`.
  public var summary: ProfileSummary {
    func seconds(_ nanoseconds: Int) -> Double { Double(nanoseconds) * 1e-9 }
    var result = ProfileSummary(
      time: seconds(nanoseconds), samples: samples.count,
      elsewhere: (elsewhere?.calls ?? 0, seconds(elsewhere?.nanoseconds ?? 0)))
    var places: [Place: ProfileSummary.LineRow] = [:]
    var functionRows = functions.map {
      ProfileSummary.FunctionRow(name: $0.name, file: $0.file, line: $0.line, calls: 0, own: 0, total: 0)
    }
    var nativeRows = natives.map {
      ProfileSummary.NativeRow(name: $0.name, calls: $0.calls, total: seconds($0.nanoseconds), own: 0)
    }
    func place(_ line: Line) -> Place { Place(file: ObjectIdentifier(line.file), line: line.number) }
    for (number, line) in lines.enumerated() {
      guard let line else { continue }
      let (hits, calls) = (Int(marks.hits[number]), Int(marks.calls[number]))
      functionRows[line.function].calls += calls
      places[
        place(line),
        default: .init(
          file: line.file, line: line.number, own: 0, total: 0, hits: 0, source: line.file.line(line.number))
      ].hits += hits
    }
    for (stack, weight) in zip(samples.stacks, samples.weights) {
      let spent = seconds(weight)
      let entries = stack.compactMap(ProfileSampler.Entry.init)
      var seen: Set<Place> = []
      var called: Set<Int> = []
      var innermost: Line?
      for case .line(let number) in entries {
        guard lines.indices.contains(number), let line = lines[number] else { continue }
        innermost = line
        if seen.insert(place(line)).inserted { places[place(line)]?.total += spent }
        if called.insert(line.function).inserted { functionRows[line.function].total += spent }
      }
      if let innermost {
        places[place(innermost)]?.own += spent
        functionRows[innermost.function].own += spent
      } else {
        result.outside += spent
      }
      let last = entries.last { if case .operation = $0 { false } else { true } }
      if case .native(let number)? = last, nativeRows.indices.contains(number) { nativeRows[number].own += spent }
    }
    result.lines = places.values.filter { $0.hits > 0 || $0.total > 0 }.sorted {
      ($0.own, $0.total, $1.file.name, $1.line) > ($1.own, $1.total, $0.file.name, $0.line)
    }
    result.functions = functionRows.filter { $0.calls > 0 || $0.total > 0 }.sorted {
      ($0.own, $0.total, $1.file.name, $1.line) > ($1.own, $1.total, $0.file.name, $0.line)
    }
    result.natives = nativeRows.sorted { ($0.total, $1.name) > ($1.total, $0.name) }
    let rows = operations.map { kind, total in
      ProfileSummary.OperationRow(
        name: kind.name, calls: total.calls, time: seconds(total.nanoseconds), flops: total.flops)
    }
    result.operations = rows.sorted { ($0.time, $1.name) > ($1.time, $0.name) }
    return result
  }
}

extension SourceHandle {
  /// A line, from 1, without blanks around it.
  fileprivate func line(_ number: Int) -> String {
    let text = String(decoding: self.text[line(around: start(of: number))], as: UTF8.self)
    return String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }
}
