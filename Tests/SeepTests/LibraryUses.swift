// The names in a script that stand for the library's: not those in comments, in plain strings, of fields, nor those that the script
// binds itself.
import SeepLanguage

struct LibraryUses {
  private let analysis: SourceAnalysis
  /// Where names stand that the script binds.
  private let own: [(name: String, span: Span)]
  private(set) var names: Set<String> = []

  init(_ text: String, _ session: Session) {
    analysis = session.analysis(of: Array(text.utf8), name: "script")
    own =
      analysis.map.places.map { ($0.name.name, $0.span) }
      + analysis.map.members.compactMap { $0.known == nil ? nil : ($0.name, $0.span) }
    for statement in analysis.statements { walk(statement) }
  }

  /// The span of a name in parentheses has these as well.
  private mutating func note(_ name: String, _ span: Span) {
    if !own.contains(where: { $0.name == name && span.start <= $0.span.start && $0.span.end <= span.end }) {
      names.insert(name)
    }
  }

  private mutating func walk(_ statement: Statement) {
    switch statement.kind {
    case .binding(let pattern, _, let value):
      walk(pattern)
      walk(value)
    case .assignment(let target, _, let value):
      walk(target)
      walk(value)
    case .function(let function, _): walk(function)
    case .expression(let value), .raise(let value), .deferred(let value), .test(_, let value): walk(value)
    case .forIn(let pattern, let items, let body):
      walk(pattern)
      walk(items)
      walk(body)
    case .whileTrue(let condition, let body):
      walk(condition)
      walk(body)
    case .returnValue(let value): if let value { walk(value) }
    case .assert(let condition, let message):
      walk(condition)
      if let message { walk(message) }
    case .breakLoop, .continueLoop, .use: break
    }
  }

  private mutating func walk(_ function: FunctionSyntax) {
    for parameter in function.parameters {
      walk(parameter.pattern)
      if let value = parameter.defaultValue { walk(value) }
    }
    walk(function.body)
  }

  private mutating func walk(_ pattern: Pattern) {
    switch pattern.kind {
    case .anything, .name, .value: break
    case .list(let parts, _), .tuple(let parts, _), .either(let parts): for part in parts { walk(part) }
    case .record(let fields, let rest):
      for field in fields {
        walk(field.pattern)
        if let value = field.defaultValue { walk(value) }
      }
      if let rest { walk(rest) }
    }
  }

  private mutating func walk(_ fields: [FieldSyntax]) { for field in fields { walk(field.value) } }

  private mutating func walk(_ expression: Expression) {
    switch expression.kind {
    case .none, .bool, .int, .float, .string: break
    case .interpolation(let parts): for case .value(let value, _) in parts { walk(value) }
    case .name(let name): note(name, expression.span)
    case .list(let items), .tuple(let items): for item in items { walk(item) }
    case .record(let fields): walk(fields)
    case .unary(_, let inner), .field(let inner, _, _): walk(inner)
    case .binary(_, let left, let right), .and(let left, let right), .or(let left, let right),
      .notIn(let left, let right), .pipe(let left, let right), .compose(let left, let right):
      walk(left)
      walk(right)
    case .range(let from, let to, _):
      if let from { walk(from) }
      if let to { walk(to) }
    case .call(let callee, let arguments):
      walk(callee)
      for argument in arguments { walk(argument.value) }
    case .method(let subject, let name, let nameSpan, let arguments):
      walk(subject)
      note(name, nameSpan)
      for argument in arguments { walk(argument.value) }
    case .index(let inner, let items):
      walk(inner)
      for item in items { if let item { walk(item) } }
    case .function(let function): walk(function)
    case .block(let statements): for statement in statements { walk(statement) }
    case .ifElse(let condition, let yes, let no):
      walk(condition)
      walk(yes)
      if let no { walk(no) }
    case .match(let subject, let cases):
      walk(subject)
      for one in cases {
        walk(one.pattern)
        if let condition = one.condition { walk(condition) }
        walk(one.body)
      }
    case .tryCatch(let body, let pattern, let handler):
      walk(body)
      if let pattern { walk(pattern) }
      if let handler { walk(handler) }
    case .with(let inner, let fields):
      walk(inner)
      walk(fields)
    }
  }
}
