// The syntax tree as text, without places: two texts are the same program if and only if this is the same.
import Ground

extension Session {
  /// The tree of a text, one line per statement; nil if it has syntax errors.
  public func syntaxTree(of text: String) -> String? {
    let parsed = QuickParser.read(Array(text.utf8), nativeLimit: machine.stackFloor())
    return parsed.errors.isEmpty ? parsed.statements.map(TreeText.statement).joined(separator: "\n") : nil
  }
}

enum TreeText {
  private static func call(_ name: String, _ parts: [String]) -> String {
    var text = "("
    text += name
    for part in parts {
      text += " "
      text += part
    }
    text += ")"
    return text
  }

  static func statement(_ statement: Statement) -> String {
    switch statement.kind {
    case .binding(let pattern, let isMutable, let value):
      call(isMutable ? "var" : "let", [self.pattern(pattern), expression(value)])
    case .assignment(let target, let operation, let value):
      call("assign" + (operation?.symbol ?? ""), [expression(target), expression(value)])
    case .function(let function, _): self.function(function)
    case .expression(let value): expression(value)
    case .forIn(let pattern, let items, let body):
      call("for", [self.pattern(pattern), expression(items), expression(body)])
    case .whileTrue(let condition, let body): call("while", [expression(condition), expression(body)])
    case .breakLoop: "break"
    case .continueLoop: "continue"
    case .returnValue(let value): call("return", value.map { [expression($0)] } ?? [])
    case .raise(let value): call("raise", [expression(value)])
    case .use(let path, let isFile, let name): call("use", [isFile ? "file" : "module", path, name])
    case .test(let name, let body): call("test", [name.debugDescription, expression(body)])
    case .assert(let condition, let message):
      call("assert", [expression(condition)] + (message.map { [expression($0)] } ?? []))
    case .deferred(let body): call("defer", [expression(body)])
    }
  }

  static func expression(_ value: Expression) -> String {
    switch value.kind {
    case .none: return "none"
    case .bool(let bool): return "\(bool)"
    case .int(let int): return "\(int)"
    case .float(let float): return "float \(float)"
    case .string(let text): return text.debugDescription
    case .interpolation(let parts):
      return call(
        "text",
        parts.map {
          switch $0 {
          case .text(let text): text.debugDescription
          case .value(let value, let format): call("show", [expression(value), format.debugDescription])
          }
        })
    case .name(let name): return name
    case .list(let items): return call("list", items.map(expression))
    case .tuple(let items): return call("tuple", items.map(expression))
    case .record(let fields): return call("record", self.fields(fields))
    case .unary(let operation, let inner): return call("\(operation)", [expression(inner)])
    case .binary(let operation, let left, let right):
      return call(operation.symbol, [expression(left), expression(right)])
    case .and(let left, let right): return call("and", [expression(left), expression(right)])
    case .or(let left, let right): return call("or", [expression(left), expression(right)])
    case .notIn(let left, let right): return call("not in", [expression(left), expression(right)])
    case .range(let from, let to, let inclusive):
      return call(inclusive ? "..=" : "..", [from.map(expression) ?? "_", to.map(expression) ?? "_"])
    case .call(let callee, let arguments): return call("call", [expression(callee)] + self.arguments(arguments))
    case .method(let subject, let name, _, let arguments):
      return call("method", [expression(subject), name] + self.arguments(arguments))
    case .field(let inner, let name, _): return call("field", [expression(inner), name])
    case .index(let inner, let items):
      return call("index", [expression(inner)] + items.map { $0.map(expression) ?? ":" })
    case .pipe(let left, let right): return call("|>", [expression(left), expression(right)])
    case .compose(let left, let right): return call(">>", [expression(left), expression(right)])
    case .function(let function): return self.function(function)
    case .block(let statements): return "{" + statements.map(statement).joined(separator: "; ") + "}"
    case .ifElse(let condition, let yes, let no):
      return call("if", [expression(condition), expression(yes)] + (no.map { [expression($0)] } ?? []))
    case .match(let subject, let cases):
      return call(
        "match",
        [expression(subject)]
          + cases.map {
            call("case", [pattern($0.pattern), $0.condition.map(expression) ?? "_", expression($0.body)])
          })
    case .tryCatch(let body, let pattern, let handler):
      return call(
        "try", [expression(body), pattern.map(self.pattern) ?? "_"] + (handler.map { [expression($0)] } ?? []))
    case .with(let inner, let fields): return call("with", [expression(inner)] + self.fields(fields))
    }
  }

  private static func fields(_ fields: [FieldSyntax]) -> [String] {
    fields.map { call($0.name.debugDescription, [expression($0.value)]) }
  }

  private static func arguments(_ arguments: [ArgumentSyntax]) -> [String] {
    arguments.map { argument in
      argument.name.map { "\($0): " + expression(argument.value) } ?? expression(argument.value)
    }
  }

  private static func function(_ function: FunctionSyntax) -> String {
    let parameters = function.parameters.map {
      pattern($0.pattern) + ($0.isVariadic ? "..." : "") + ($0.defaultValue.map { "=" + expression($0) } ?? "")
    }
    return call(
      "fn",
      [
        function.name ?? "_", "[" + parameters.joined(separator: ", ") + "]", function.documentation.debugDescription,
        expression(function.body),
      ])
  }

  static func pattern(_ pattern: Pattern) -> String {
    switch pattern.kind {
    case .anything: "_"
    case .name(let name): name
    case .value(let value): expression(value)
    case .list(let items, let rest): call("[]", items.map(self.pattern) + (rest.map { ["...\($0)"] } ?? []))
    case .tuple(let items, let rest): call("()", items.map(self.pattern) + (rest.map { ["...\($0)"] } ?? []))
    case .record(let fields, let rest):
      call(
        "{}",
        fields.map {
          $0.name.debugDescription + ": " + self.pattern($0.pattern)
            + ($0.defaultValue.map { "=" + expression($0) } ?? "")
        } + (rest.map { ["..." + self.pattern($0)] } ?? []))
    case .either(let items): call("|", items.map(self.pattern))
    }
  }
}
