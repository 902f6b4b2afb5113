// Mathematics on plain numbers. A library with tensors declares most of these names again, for both.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Functions of plain numbers, also for a library that extends them to tensors.
public enum CoreNumbers {
  static var builtins: [Builtin] { functions + reductions + rounding }

  private static func function(
    _ name: String, _ documentation: String, _ example: String, _ body: @escaping (Double) -> Double
  ) -> Builtin {
    Builtin("\(name)(x)", group: "numbers", documentation, example: example) { call in
      Value(body(try call.double("x")))
    }
  }

  private static var functions: [Builtin] {
    [
      function("exp", "e to the power of x.", "print(exp(0))  # expect: 1.0", exp),
      function("sin", "Sine of x in radians.", "print(sin(0))  # expect: 0.0", sin),
      function("cos", "Cosine of x in radians.", "print(cos(0))  # expect: 1.0", cos),
      function("tanh", "Hyperbolic tangent.", "print(tanh(0))  # expect: 0.0", tanh),
      Builtin(
        "sqrt(x)", group: "numbers", "Square root. Errors: out-of-range below 0.",
        example: "print(sqrt(9))  # expect: 3.0"
      ) { call in Value(try call.double("x", in: 0...Double.infinity).squareRoot()) },
      Builtin(
        "log(x)", group: "numbers", "Natural logarithm. Errors: out-of-range at 0 and below.",
        example: "print(log(1))  # expect: 0.0"
      ) { call in
        let x = try call.double("x")
        if x <= 0 {
          throw call.fault(
            "out-of-range", "the logarithm needs a number above 0, not \(Display.number(x))", argument: "x")
        }
        return Value(log(x))
      },
      Builtin(
        "abs(x)", group: "numbers", "Without its sign.", example: "print(abs(-3))  # expect: 3"
      ) { call in
        if let int = call.value("x").asInt {
          if int == Int.min {
            throw call.fault("integer-overflow", "abs(\(int)) does not fit into a 64-bit integer", argument: "x")
          }
          return Value(abs(int))
        }
        return Value(abs(try call.double("x")))
      },
    ]
  }

  private static var rounding: [Builtin] {
    func rounding(_ name: String, _ rule: FloatingPointRoundingRule, _ text: String, _ example: String) -> Builtin {
      Builtin("\(name)(x)", group: "numbers", text, example: example) { call in
        if let int = call.value("x").asInt { return Value(int) }
        return Value(try call.double("x").rounded(rule))
      }
    }
    return [
      rounding("floor", .down, "The next whole number below.", "print(floor(1.5))  # expect: 1.0"),
      rounding("ceil", .up, "The next whole number above.", "print(ceil(1.5))  # expect: 2.0"),
      Builtin(
        "round(x, digits: 0)", group: "numbers", "The nearest number of so many decimals; halves go to the even one.",
        example: "print(round(2.567, digits: 1))  # expect: 2.6"
      ) { call in
        let digits = try call.int("digits", in: 0...15)
        if digits == 0 {
          return try call.value("x").asInt.map { Value($0) } ?? Value(call.double("x").rounded(.toNearestOrEven))
        }
        let scale = pow(10.0, Double(digits))
        return Value((try call.double("x") * scale).rounded(.toNearestOrEven) / scale)
      },
    ]
  }

  private static var reductions: [Builtin] {
    [
      Builtin(
        "sum(items)", group: "numbers", "The sum of the items; of none, 0.",
        example: "print(sum([1, 2, 3]))  # expect: 6"
      ) { call in try sum(call.list("items"), call.session) },
      Builtin(
        "min(items...)", group: "numbers", "The smallest of the arguments, or of one list. Errors: empty-list.",
        example: "print(min(3, 1, 2), min([5, 4]))  # expect: 1 4"
      ) { call in try extreme(call, -1) },
      Builtin(
        "max(items...)", group: "numbers", "The largest of the arguments, or of one list. Errors: empty-list.",
        example: "print(max(3, 1, 2))  # expect: 3"
      ) { call in try extreme(call, 1) },
    ]
  }

  /// The items added up with the language's `+`.
  public static func sum(_ items: [Value], _ session: Session) throws -> Value {
    var total = Slot(0)
    for (i, item) in items.enumerated() {
      if i & 0xFFFF == 0xFFFF { try Interrupt.check() }
      let next = try Operations.binary(.add, total, item.slot, session)
      total.release()
      total = next
    }
    return Value(taking: total)
  }

  /// The smallest (`sign` -1) or largest (1) of some values in the language's order.
  public static func extreme(_ items: [Value], _ sign: Int) throws -> Value? {
    guard var best = items.first else { return nil }
    for (i, item) in items.enumerated().dropFirst() {
      if i & 0xFFFF == 0 { try Interrupt.check() }
      guard let difference = try Operations.compare(item.slot, best.slot, 0) else {
        throw Fault("type-mismatch", "\(item.slot.describedType) and \(best.slot.describedType) have no order")
      }
      if difference == sign || difference == 2 && item.slot.isNumber && item.slot.number.isNaN { best = item }
    }
    return best
  }

  private static func extreme(_ call: Call, _ sign: Int) throws -> Value {
    var items = call.rest("items")
    if items.count == 1 { items = try call.session.items(of: items[0]) }
    guard let best = try extreme(items, sign) else {
      throw Fault("empty-list", "`\(call.name)` of no items has no value", argument: 0)
    }
    return best
  }
}
