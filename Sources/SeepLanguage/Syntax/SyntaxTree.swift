// The syntax tree: what the parser makes of a source and the compiler, the formatter and the editor read.

/// A part of a source, in bytes.
public struct Span: Hashable, Sendable {
  public var start: Int
  public var end: Int
  public init(_ start: Int, _ end: Int) {
    self.start = start
    self.end = end
  }
}

public indirect enum ExpressionKind {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  /// A string with parts in braces.
  case interpolation([TextPart])
  case name(String)
  case list([Expression])
  case tuple([Expression])
  case record([FieldSyntax])
  case unary(UnaryOperator, Expression)
  case binary(Operator, Expression, Expression)
  case and(Expression, Expression)
  case or(Expression, Expression)
  case notIn(Expression, Expression)
  case range(Expression?, Expression?, inclusive: Bool)
  case call(Expression, [ArgumentSyntax])
  /// `a.f(b)`
  case method(Expression, name: String, nameSpan: Span, [ArgumentSyntax])
  case field(Expression, name: String, nameSpan: Span)
  /// nil is a bare `:`.
  case index(Expression, [Expression?])
  case pipe(Expression, Expression)
  case compose(Expression, Expression)
  case function(FunctionSyntax)
  case block([Statement])
  case ifElse(Expression, Expression, Expression?)
  case match(Expression, [CaseSyntax])
  case tryCatch(Expression, Pattern?, Expression?)
  case with(Expression, [FieldSyntax])
}

public struct Expression {
  public var kind: ExpressionKind
  public var span: Span
}

public enum TextPart {
  case text(String)
  case value(Expression, format: String?)
}

public struct FieldSyntax {
  public var name: String
  public var nameSpan: Span
  public var value: Expression
}

public struct ArgumentSyntax {
  public var name: String?
  public var nameSpan: Span?
  public var value: Expression
}

public struct ParameterSyntax {
  public var pattern: Pattern
  public var defaultValue: Expression?
  public var isVariadic = false
  public var span: Span
}

public final class FunctionSyntax {
  public var name: String?
  public var parameters: [ParameterSyntax]
  public var body: Expression
  public var documentation: String?
  public var span: Span
  init(name: String?, parameters: [ParameterSyntax], body: Expression, documentation: String?, span: Span) {
    self.name = name
    self.parameters = parameters
    self.body = body
    self.documentation = documentation
    self.span = span
  }
}

public struct CaseSyntax {
  public var pattern: Pattern
  public var condition: Expression?
  public var body: Expression
}

public indirect enum PatternKind {
  case anything
  case name(String)
  case value(Expression)
  /// `rest` is the place of `...name` among the items.
  case list([Pattern], rest: Int?)
  case tuple([Pattern], rest: Int?)
  /// `rest` takes the fields that are not named.
  case record([FieldPattern], rest: Pattern?)
  case either([Pattern])
}

public struct FieldPattern {
  public var name: String
  public var pattern: Pattern
  /// Stands in for a field that is not there.
  public var defaultValue: Expression?
}

public struct Pattern {
  public var kind: PatternKind
  public var span: Span
}

public indirect enum StatementKind {
  case binding(Pattern, isMutable: Bool, Expression)
  case assignment(Expression, Operator?, Expression)
  case function(FunctionSyntax, nameSpan: Span)
  case expression(Expression)
  case forIn(Pattern, Expression, Expression)
  case whileTrue(Expression, Expression)
  case breakLoop
  case continueLoop
  case returnValue(Expression?)
  case raise(Expression)
  case use(path: String, isFile: Bool, name: String)
  case test(String, Expression)
  case assert(Expression, Expression?)
  /// Runs when the block that it stands in is left.
  case deferred(Expression)
}

public struct Statement {
  public var kind: StatementKind
  public var span: Span
}
