// A foreign object made for these tests goes through every hook that the language offers.
import Ground
import SeepLanguage
import Testing

/// A row of numbers that records what it was asked.
private final class Row: Foreign {
  let items: [Double]
  init(_ items: [Double]) { self.items = items }

  var typeName: String { "row" }
  func operate(_ operation: Operator, _ other: Value, reversed: Bool, in session: Session) throws -> Value? {
    guard let number = other.asDouble else { return nil }
    switch operation {
    case .add: return Value(Row(items.map { $0 + number }))
    case .subtract: return Value(Row(items.map { reversed ? number - $0 : $0 - number }))
    case .contains: return Value(items.contains(number))
    case .less: return Value(Row(items.map { (reversed ? number < $0 : $0 < number) ? 1 : 0 }))
    default: return nil
    }
  }
  func operate(_ operation: UnaryOperator, in session: Session) throws -> Value? {
    operation == .negate ? Value(Row(items.map { -$0 })) : nil
  }
  func index(_ items: [IndexItem], in session: Session) throws -> Value? {
    let words = items.map { item in
      switch item {
      case .int(let int): "int \(int)"
      case .range(let from, let to, _): "range \(from.map(String.init) ?? "")..\(to.map(String.init) ?? "")"
      case .list(let list): "list \(list)"
      case .value(let value): "value \(value.typeName)"
      }
    }
    return Value(words.joined(separator: ", "))
  }
  func assigning(_ value: Value, at items: [IndexItem], in session: Session) throws -> Value? {
    guard case .int(let at)? = items.first, let number = value.asDouble else { return nil }
    var changed = self.items
    changed[at] = number
    return Value(Row(changed))
  }
  func field(_ name: String, in session: Session) throws -> Value? { name == "size" ? Value(items.count) : nil }
  func assigning(_ value: Value, field name: String, in session: Session) throws -> Value? {
    name == "size" ? Value(Row(Array(items.prefix(value.asInt ?? 0)))) : nil
  }
  var fieldNames: [String] { ["size"] }
  var isCallable: Bool { true }
  var signature: Signature? { items.isEmpty ? nil : Signature("row(x, times: 1)") }
  func call(_ call: inout Call) throws -> Value {
    if call.signature == nil { return Value("\(call.positional.count) \(call.keywords.map(\.name))") }
    return Value(try call.double("x") * items[0] * call.double("times"))
  }
  func compose(with other: Value, reversed: Bool, in session: Session) throws -> Value? {
    Value("row \(reversed ? "after" : "before") \(other.members.count) of \(other.functionName ?? other.typeName)")
  }
  func apply(to subject: Value, in session: Session) throws -> Value { Value("applied to \(subject.typeName)") }
  func display(_ style: DisplayStyle) -> String { "row\(items)" }
  func isEqual(to other: any Foreign) -> Bool { (other as? Row)?.items == items }
  func truth() throws -> Bool? { items.count == 1 ? items[0] != 0 : nil }
  var count: Int? { items.count }
  func element(_ index: Int, in session: Session) throws -> Value { Value(items[index]) }
}

extension LanguageTests {
  @Suite("Foreign objects and builtins", .serialized)
  struct ForeignTests {
    let session: Session

    init() {
      let row = Builtin("row(items...)", "Makes a row.", example: "") { call in
        Value(Row(call.rest("items").map { $0.asDouble ?? 0 }))
      }
      let clip = Builtin("clip(bound, per: \"global\")", "Clips.", example: "", constructor: true) { call in
        Value(Row([try call.double("bound")]))
      }
      let typed = Builtin("typed(n, name: \"a\", flag: false, shape: (1, 2), f?, dims...)", "All kinds.", example: "") {
        call in
        let f = try call.optionalFunction("f")
        let called = try f.map { try call.invoke($0, [Value(try call.int("n"))]) } ?? .none
        return Value(list: [
          Value(try call.int("n", in: 0...10)), Value(try call.choice("name", of: ["a", "bee"])),
          Value(try call.bool("flag")), Value(list: try call.ints("shape").map { Value($0) }), called,
          Value(list: try call.shape("dims").map { Value($0) }),
        ])
      }
      session = Session(library: CoreLibrary.library + Library([row, clip, typed]))
    }

    @Test(
      "hook",
      arguments: [
        ("row(1, 2) + 1", "row[2.0, 3.0]"), ("10 - row(1, 2)", "row[9.0, 8.0]"), ("-row(1)", "row[-1.0]"),
        ("2 in row(1, 2)", "true"), ("row(1, 5) < 3", "row[1.0, 0.0]"), ("{a: row(1)} + 1", "{a: row[2.0]}"),
        ("row(1)[0, :, 1..3]", "int 0, range .., range 1..3"), ("row(1)[-1, 2.., ..3]", "int -1, range 2.., range ..3"),
        ("row(1)[[0, 1]]", "list [0, 1]"), ("row(1)[row(1)]", "value row"),
        ("var r = row(1, 2)\nlet k = r\nr[0] = 5\n[r, k]", "[row[5.0, 2.0], row[1.0, 2.0]]"),
        ("var r = {x: row(1, 2)}\nr.x[1] = 7\nr", "{x: row[1.0, 7.0]}"), ("row(1, 2).size", "2"),
        ("var r = row(1, 2)\nr.size = 1\nr", "row[1.0]"), ("row(1, 2) with {size: 1}", "row[1.0]"),
        ("row(3)(2)", "6.0"), ("row(3)(2, times: 2)", "12.0"), ("row()(1, 2, k: 3)", "2 [\"k\"]"),
        ("row(1) >> print", "row before 1 of print"), ("print >> len >> row(1)", "row after 2 of function"),
        ("let d = row(1)\n5 |> d", "applied to int"), ("5 |> clip(4)", "applied to int"),
        ("5.clip(4)", "applied to int"), ("clip(4)", "row[4.0]"), ("[row(1)] == [row(1)]", "true"),
        ("if row(1) { 1 } else { 2 }", "1"), ("list(row(1, 2))", "[1.0, 2.0]"), ("len(row(1, 2))", "2"),
        ("var s = 0.0\nfor x in row(1, 2) { s += x }\ns", "3.0"),
      ])
    func hook(_ text: String, _ expected: String) throws {
      switch session.evaluate(text, name: "test") {
      case .success(let value): #expect(session.display(value) == expected)
      case .failure(let failure): Issue.record("\(failure.fault)")
      }
    }

    @Test("typed arguments") func typed() throws {
      guard
        case .success(let value) = session.evaluate(
          "typed(3, name: \"bee\", flag: true, shape: 4, f: x => x + 1)", name: "t")
      else { return #expect(Bool(false)) }
      #expect(session.display(value) == "[3, \"bee\", true, [4], 4, []]")
    }

    @Test(
      "wrong arguments are named",
      arguments: [
        ("typed(\"x\")", "type-mismatch", "`n` of `typed` must be an int, not a string"),
        ("typed(11)", "out-of-range", "`n` of `typed` must be from 0 to 10, not 11"),
        ("typed(1, name: \"be\")", "unknown-option", "`name` of `typed` must be one of \"a\", \"bee\", not \"be\""),
        ("typed(1, flag: 3)", "type-mismatch", "`flag` of `typed` must be true or false, not an int"),
        ("typed(1, f: 3)", "type-mismatch", "`f` of `typed` must be a function, not an int"),
        ("typed()", "missing-argument", "`typed` needs the argument `n`"),
        ("typed(1, nam: 2)", "unknown-argument", "`typed` has no argument `nam`"),
        ("clip()", "missing-argument", "`clip` needs the argument `bound`"),
        ("clip(1, \"a\", 3)", "surplus-argument", "`clip(bound, per: \"global\")` takes 2 arguments, but 3 were given"),
        ("row(1) * row(2)", "type-mismatch", "`*` does not work on a row and a row"),
        ("row(1).siz", "unknown-field", "a row has no field `siz`"),
        ("if row(1, 2) { }", "type-mismatch", "a condition must be true or false, not a row"),
        ("row(1).element", "unknown-field", "a row has no field `element`"),
      ])
    func wrong(_ text: String, _ code: String, _ message: String) {
      guard case .failure(let failure) = session.evaluate(text, name: "test") else {
        return #expect(Bool(false), "no error")
      }
      #expect(failure.fault.code == code)
      #expect(failure.fault.message == message)
    }
  }
}
