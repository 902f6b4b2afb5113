// What the names and calls of a text stand for, noted while the checker reads it: for diagnostics that say where a value came
// from, and for editors.
import Ground

package final class SourceMap {
  struct Use {
    var name: CheckedName
    /// The innermost function around the use.
    var function: Span?
  }

  package enum Role: Sendable { case binding, read, write }

  /// A place where a name of the text stands.
  package struct Place {
    package let name: CheckedName
    package let span: Span
    package let role: Role
  }

  /// What a name is bound to: its pattern, or the pattern around it, and the value.
  package struct Binding {
    package let pattern: Pattern
    package let value: Expression
    package let statement: Span
    /// `for`: each item of the value.
    package let isEach: Bool
  }

  /// What `use` says.
  package struct Module {
    package let path: String
    package let isFile: Bool
    package let statement: Span
    /// The name that it has by itself.
    package var ownName: String { path.split(separator: ".").last.map(String.init) ?? path }
  }

  /// `subject.name`
  package struct Member {
    package let name: String
    package let span: Span
    package let subject: Expression
    /// A function of the text that it calls, unless the subject has such a field.
    package let known: CheckedName?
  }

  /// The name of an argument, and of what is called where that is a plain name.
  package struct Keyword {
    package let name: String
    package let span: Span
    package var callee: String?
    /// The callee, if the text binds it.
    package var known: CheckedName?
  }

  /// What can be seen from a place.
  package struct Sight {
    /// The names of the text, each by itself.
    package let names: [String: CheckedName]
    package let isInFunction: Bool
    /// What stands before the dot.
    package let subject: Expression?
  }

  var uses: [Span: Use] = [:]
  /// Arguments by position and by name of the calls at these places.
  var calls: [Span: (positional: [Expression], all: [ArgumentSyntax])] = [:]

  package private(set) var places: [Place] = []
  package internal(set) var members: [Member] = []
  package internal(set) var keywords: [Keyword] = []
  package internal(set) var modules: [Module] = []
  /// Names in patterns of records that stand for the field and for what it is bound to: `{code}`.
  package internal(set) var shorthands: Set<Span> = []
  /// The place whose sight is asked for: where a name begins.
  let cursor: Int?
  package internal(set) var sight: Sight?

  init(cursor: Int? = nil) { self.cursor = cursor }

  /// Notes that a name stands here. The span of `(x)` has its parentheses, that of `use a.b` the whole statement.
  func note(_ name: CheckedName?, _ span: Span, _ role: Role, _ file: SourceHandle) {
    guard let name else { return }
    let length = name.name.utf8.count
    var exact = span
    if span.end - span.start != length {
      var at = span.start
      if file.text(of: Span(at, at + 4)) == "use " {
        at = span.end - length
      } else {
        while at < span.end, [32, 9, 10, 13, 35, 40].contains(file.text[at]) {
          if file.text[at] == 35 { while at < span.end, file.text[at] != 10 { at += 1 } } else { at += 1 }
        }
      }
      exact = Span(at, at + length)
      // `use "folder/name.seep"` does not write the name by itself.
      guard file.text(of: exact) == name.name else { return }
    }
    places.append(Place(name: name, span: exact, role: role))
  }
}

extension Checker {
  /// Notes what is in sight, if this is the place that is asked for.
  func look(_ span: Span, _ subject: Expression?) {
    guard let map, map.cursor == span.start else { return }
    map.sight = SourceMap.Sight(names: scopes.inSight, isInFunction: functions > 0, subject: subject)
  }

  /// Notes what the names of a pattern are bound to.
  func note(_ pattern: Pattern, _ value: Expression, _ statement: Span, isEach: Bool = false) {
    guard map != nil else { return }
    let binding = SourceMap.Binding(pattern: pattern, value: value, statement: statement, isEach: isEach)
    for (name, _) in pattern.places { scopes.find(name)?.sources.append(binding) }
  }
}

/// A text as an editor wants to know it, without running it.
package struct SourceAnalysis {
  package let file: SourceHandle
  /// What could be read: with syntax errors, the statements without one.
  package let statements: [Statement]
  package let findings: [Failure]
  package let map: SourceMap
  /// It only binds names, for others to use.
  package let isModule: Bool
}

extension Session {
  /// Findings and the meaning of names of a text. `cursor` is where a name begins whose sight is asked for; then nothing is
  /// compiled, and the findings are the checker's.
  package func analysis(of text: [UInt8], name: String, cursor: Int? = nil) -> SourceAnalysis {
    let file = SourceHandle(name: name, text: text)
    let floor = machine.stackFloor()
    let parsed = QuickParser.read(text, nativeLimit: floor)
    let checker = Checker(session: self, file: file, nativeLimit: floor)
    let map = SourceMap(cursor: cursor)
    checker.map = map
    checker.judgesValues = cursor == nil && parsed.errors.isEmpty
    var found = checker.run(parsed.statements)
    if !parsed.errors.isEmpty {
      found = Session.failures(parsed.errors, file)
    } else if cursor == nil {
      found += limits(of: file, after: found)
    }
    return SourceAnalysis(
      file: file, statements: parsed.statements, findings: found, map: map, isModule: checker.isModule)
  }
}
