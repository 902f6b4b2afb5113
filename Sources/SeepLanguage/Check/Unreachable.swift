// Code that no run gets to: what follows a jump in its block, and cases of `match` that an earlier one takes everything from.
import Ground

extension Checker {
  /// Warns of the first statement behind a jump. Functions are in sight in the whole block, and may be called from above.
  func warnUnreachable(_ statements: [Statement]) {
    guard let jump = statements.firstIndex(where: { $0.jump != nil }), let word = statements[jump].jump else { return }
    let rest = statements[(jump + 1)...]
    guard let first = rest.first(where: { !$0.isFunction }) else { return }
    report(
      Fault("unreachable-code", "nothing behind `\(word)` is reached in this block"), first.span, .warning)
  }

  /// Warns of cases for which nothing is left.
  func warnUnreachable(_ cases: [CaseSyntax]) {
    var taken: Set<CaseLiteral> = []
    var takesAll: Span?
    for one in cases {
      let alternatives = one.pattern.alternatives
      if takesAll != nil {
        report(
          Fault("unreachable-case", "an earlier case fits everything, and this one is never reached"), one.pattern.span,
          .warning)
        continue
      }
      let literals = alternatives.map(\.literal)
      if !literals.isEmpty, literals.allSatisfy({ $0.map(taken.contains) ?? false }) {
        let words = alternatives.count == 1 ? "an earlier case fits this value" : "earlier cases fit these values"
        report(
          Fault("unreachable-case", "\(words), and this one is never reached"), one.pattern.span, .warning)
      }
      guard one.condition == nil else { continue }
      taken.formUnion(literals.compactMap { $0 })
      if alternatives.contains(where: \.fitsEverything) { takesAll = one.pattern.span }
    }
  }
}

/// A literal of a pattern, by what it equals.
private enum CaseLiteral: Hashable {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
}

extension Statement {
  fileprivate var jump: String? {
    switch kind {
    case .returnValue: "return"
    case .breakLoop: "break"
    case .continueLoop: "continue"
    case .raise: "raise"
    default: nil
    }
  }

  fileprivate var isFunction: Bool { if case .function = kind { true } else { false } }
}

extension Pattern {
  /// What it is one of.
  fileprivate var alternatives: [Pattern] {
    if case .either(let items) = kind { items.flatMap(\.alternatives) } else { [self] }
  }

  fileprivate var fitsEverything: Bool {
    switch kind {
    case .anything, .name: true
    default: false
    }
  }

  fileprivate var literal: CaseLiteral? {
    guard case .value(let value) = kind else { return nil }
    switch value.kind {
    case .none: return CaseLiteral.none
    case .bool(let bool): return .bool(bool)
    case .int(let int): return .int(int)
    case .float(let float): return CaseLiteral(float)
    case .string(let string): return .string(string)
    case .unary(.negate, let inner):
      switch inner.kind {
      case .int(let int): return .int(0 &- int)
      case .float(let float): return CaseLiteral(-float)
      default: return nil
      }
    default: return nil
    }
  }
}

extension CaseLiteral {
  /// `1.0` equals `1`.
  fileprivate init(_ float: Double) { self = Int(exactly: float).map { .int($0) } ?? .float(float) }
}
