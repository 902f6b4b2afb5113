// Mathematics on single numbers that tensors do not have.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

enum CoreMathematics {
  static var builtins: [Builtin] { functions + wholeNumbers + questions }

  private static func function(
    _ name: String, _ words: String, _ example: String, _ body: @escaping (Double) -> Double
  ) -> Builtin {
    Builtin("\(name)(x)", group: "numbers", words + " Of a single number.", example: example) { call in
      Value(body(try call.double("x")))
    }
  }

  private static var functions: [Builtin] {
    [
      function("tan", "Tangent of x in radians.", "print(tan(0))  # expect: 0.0") { tan($0) },
      function("asin", "The angle in radians whose sine is x; nan outside of -1…1.", "print(asin(0))  # expect: 0.0") {
        asin($0)
      },
      function("acos", "The angle in radians whose cosine is x; nan outside of -1…1.", "print(acos(1))  # expect: 0.0")
      { acos($0) },
      function("atan", "The angle in radians whose tangent is x.", "print(atan(0))  # expect: 0.0") { atan($0) },
      function("sinh", "Hyperbolic sine.", "print(sinh(0))  # expect: 0.0") { sinh($0) },
      function("cosh", "Hyperbolic cosine.", "print(cosh(0))  # expect: 1.0") { cosh($0) },
      function("log2", "Logarithm to base 2; nan below 0, -inf at 0.", "print(log2(8))  # expect: 3.0") { log2($0) },
      function("log10", "Logarithm to base 10; nan below 0, -inf at 0.", "print(log10(1000))  # expect: 3.0") {
        log10($0)
      },
      function("log1p", "log(1 + x), exact for small x.", "print(log1p(0))  # expect: 0.0") { log1p($0) },
      function("expm1", "exp(x) - 1, exact for small x.", "print(expm1(0))  # expect: 0.0") { expm1($0) },
      function("trunc", "The whole number towards zero.", "print(trunc(-1.7))  # expect: -1.0") { trunc($0) },
      function("radians", "Degrees as radians.", "print(radians(180) == pi)  # expect: true") { $0 * .pi / 180 },
      function("degrees", "Radians as degrees.", "print(degrees(pi))  # expect: 180.0") { $0 * 180 / .pi },
      Builtin(
        "atan2(y, x)", group: "numbers", "The angle of the point (x, y) in radians, from -pi to pi.",
        example: "print(atan2(0, 1))  # expect: 0.0"
      ) { call in Value(atan2(try call.double("y"), try call.double("x"))) },
      Builtin(
        "hypot(x, y)", group: "numbers", "The length of (x, y), without overflow on the way.",
        example: "print(hypot(3, 4))  # expect: 5.0"
      ) { call in Value(hypot(try call.double("x"), try call.double("y"))) },
    ]
  }

  private static var wholeNumbers: [Builtin] {
    [
      Builtin(
        "gcd(a, b)", group: "numbers", "The greatest common divisor; of 0 and 0, 0.",
        example: "print(gcd(12, 18))  # expect: 6"
      ) { call in Value(try signed(divisor(call.int("a"), call.int("b")), call)) },
      Builtin(
        "lcm(a, b)", group: "numbers", "The least common multiple. Errors: integer-overflow.",
        example: "print(lcm(4, 6))  # expect: 12"
      ) { call in
        let (a, b) = (try call.int("a"), try call.int("b"))
        let common = divisor(a, b)
        if common == 0 { return Value(0) }
        let (product, over) = (a.magnitude / common).multipliedReportingOverflow(by: b.magnitude)
        if over { throw Fault("integer-overflow", "lcm(\(a), \(b)) does not fit into a 64-bit integer") }
        return Value(try signed(product, call))
      },
      Builtin(
        "divmod(a, b)", group: "numbers", "`(a // b, a % b)`. Errors: division-by-zero.",
        example: "print(divmod(-7, 2))  # expect: (-4, 1)"
      ) { call in
        let (a, b) = (call.value("a"), call.value("b"))
        return Value(
          tuple: [try call.session.operate(.floorDivide, a, b), try call.session.operate(.remainder, a, b)])
      },
      Builtin(
        "factorial(n)", group: "numbers", "1 · 2 · … · n, for n from 0 to 20.",
        example: "print(factorial(5))  # expect: 120"
      ) { call in
        let n = try call.int("n", in: 0...20)
        return Value(n < 2 ? 1 : (2...n).reduce(1, *))
      },
      Builtin(
        "binomial(n, k)", group: "numbers",
        "In how many ways `k` of `n` things can be chosen. Errors: integer-overflow, out-of-range.",
        example: "print(binomial(5, 2))  # expect: 10"
      ) { call in
        let n = try call.int("n", in: 0...Int.max)
        let k = try call.int("k", in: 0...Int.max)
        if k > n { return Value(0) }
        var result = 1
        for i in 0..<min(k, n - k) {
          // result · (n - i) is divisible by i + 1; what they have in common goes first.
          let common = Int(divisor(result, i + 1))
          let rest = (i + 1) / common
          let (product, over) = (result / common).multipliedReportingOverflow(by: (n - i) / rest)
          if over { throw Fault("integer-overflow", "binomial(\(n), \(k)) does not fit into a 64-bit integer") }
          result = product
        }
        return Value(result)
      },
      bits("bit_and", "Bits that both have.", "print(bit_and(12, 10))  # expect: 8") { $0 & $1 },
      bits("bit_or", "Bits that one of both has.", "print(bit_or(12, 10))  # expect: 14") { $0 | $1 },
      bits("bit_xor", "Bits that exactly one of both has.", "print(bit_xor(12, 10))  # expect: 6") { $0 ^ $1 },
      Builtin(
        "bit_shift(a, by)", group: "numbers",
        "The bits moved up by `by` places, or down if it is negative; bits that leave 64 are lost.",
        example: "print(bit_shift(1, 10), bit_shift(1024, -3))  # expect: 1024 128"
      ) { call in
        let (a, by) = (try call.int("a"), try call.int("by", in: -64...64))
        return Value(by >= 0 ? a << by : a >> -by)
      },
    ]
  }

  private static var questions: [Builtin] {
    func question(_ name: String, _ words: String, _ example: String, _ body: @escaping (Double) -> Bool) -> Builtin {
      Builtin("\(name)(x)", group: "numbers", words, example: example) { call in Value(body(try call.double("x"))) }
    }
    return [
      question("is_nan", "Whether a number is nan.", "print(is_nan(nan), is_nan(1))  # expect: true false") {
        $0.isNaN
      },
      question("is_finite", "Whether a number is neither nan nor infinite.", "print(is_finite(inf))  # expect: false") {
        $0.isFinite
      },
      Builtin(
        "is_close(a, b, tolerance: 1e-9)", group: "numbers",
        "Whether two numbers differ by at most `tolerance` times the larger of 1 and their sizes.",
        example: "print(0.1 + 0.2 == 0.3, is_close(0.1 + 0.2, 0.3))  # expect: false true"
      ) { call in
        let (a, b) = (try call.double("a"), try call.double("b"))
        let tolerance = try call.double("tolerance", in: 0...Double.infinity)
        if a == b { return Value(true) }
        return Value((a - b).magnitude <= tolerance * max(1, max(a.magnitude, b.magnitude)) && a.isFinite && b.isFinite)
      },
    ]
  }

  private static func bits(
    _ name: String, _ words: String, _ example: String, _ body: @escaping (Int, Int) -> Int
  ) -> Builtin {
    Builtin("\(name)(a, b)", group: "numbers", words, example: example) { call in
      Value(body(try call.int("a"), try call.int("b")))
    }
  }

  private static func divisor(_ a: Int, _ b: Int) -> UInt {
    var (a, b) = (a.magnitude, b.magnitude)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }

  private static func signed(_ value: UInt, _ call: Call) throws -> Int {
    guard let int = Int(exactly: value) else {
      throw Fault("integer-overflow", "the result of `\(call.name)` does not fit into a 64-bit integer")
    }
    return int
  }
}
