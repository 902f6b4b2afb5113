// Element-by-element operations, each with its derivative beside it. g is the gradient of the result y.
import Ground
import Tensors

extension Variable {
  // MARK: Arithmetic

  public static func + (a: Variable, b: Variable) throws -> Variable {
    binary(a, b, try .combine(.add, a.value, b.value), { g, _ in try g.sum(to: a) }, { g, _ in try g.sum(to: b) })
  }
  public static func - (a: Variable, b: Variable) throws -> Variable {
    binary(a, b, try .combine(.sub, a.value, b.value), { g, _ in try g.sum(to: a) }, { g, _ in try -(g.sum(to: b)) })
  }
  public static func * (a: Variable, b: Variable) throws -> Variable {
    binary(
      a, b, try .combine(.mul, a.value, b.value), { g, _ in try (g * b).sum(to: a) }, { g, _ in try (g * a).sum(to: b) }
    )
  }
  public static func / (a: Variable, b: Variable) throws -> Variable {
    binary(
      a, b, try .combine(.div, a.value, b.value), keepsOutput: true, { g, _ in try (g / b).sum(to: a) },
      { g, y in try (-(g * y / b)).sum(to: b) })
  }
  public static func + (a: Variable, b: Double) throws -> Variable {
    unary(a, try .combine(.add, a.value, b)) { g, _ in g }
  }
  public static func + (a: Double, b: Variable) throws -> Variable { try b + a }
  public static func - (a: Variable, b: Double) throws -> Variable {
    unary(a, try .combine(.sub, a.value, b)) { g, _ in g }
  }
  public static func - (a: Double, b: Variable) throws -> Variable {
    unary(b, try .combine(.sub, a, b.value)) { g, _ in try -g }
  }
  public static func * (a: Variable, b: Double) throws -> Variable {
    unary(a, try .combine(.mul, a.value, b)) { g, _ in try g * b }
  }
  public static func * (a: Double, b: Variable) throws -> Variable { try b * a }
  public static func / (a: Variable, b: Double) throws -> Variable {
    unary(a, try .combine(.div, a.value, b)) { g, _ in try g / b }
  }
  public static func / (a: Double, b: Variable) throws -> Variable {
    unary(b, try .combine(.div, a, b.value), keepsOutput: true) { g, y in try -(g * y / b) }
  }
  public static prefix func - (a: Variable) throws -> Variable { unary(a, try a.value.map(.neg)) { g, _ in try -g } }

  /// Sums over the axes along which `operand` was broadcast, in its dtype.
  func sum(to operand: Variable) throws -> Variable { try sum(to: operand.shape) }

  /// Undoes a broadcast.
  public func sum(to target: [Int]) throws -> Variable {
    if target == shape { return self }
    let a = self
    return .unary(a, try value.sum(to: target)) { g, _ in
      // Leading axes that were dropped come back with the broadcast.
      try g.broadcast(to: a.shape)
    }
  }

  public func converted(to target: DType) throws -> Variable {
    if target == dtype { return self }
    let a = self
    let result = try value.converted(to: target)
    return target.isFloat ? .unary(a, result) { g, _ in try g.converted(to: a.dtype) } : Variable(result)
  }

  // MARK: Functions

  public func abs() throws -> Variable {
    let a = self
    return .unary(a, try value.map(.abs)) { g, _ in try g * a.sign() }
  }
  public func square() throws -> Variable {
    let a = self
    return .unary(a, try value.map(.square)) { g, _ in try g * a * 2 }
  }
  public func exp() throws -> Variable { .unary(self, try value.map(.exp), keepsOutput: true) { g, y in try g * y } }
  public func log() throws -> Variable {
    let a = self
    return .unary(a, try value.map(.log)) { g, _ in try g / a }
  }
  public func log1p() throws -> Variable {
    let a = self
    return .unary(a, try value.map(.log1p)) { g, _ in try g / (a + 1) }
  }
  public func expm1() throws -> Variable {
    .unary(self, try value.map(.expm1), keepsOutput: true) { g, y in try g * (y + 1) }
  }
  public func sqrt() throws -> Variable {
    .unary(self, try value.map(.sqrt), keepsOutput: true) { g, y in try g / (y * 2) }
  }
  public func rsqrt() throws -> Variable {
    .unary(self, try value.map(.rsqrt), keepsOutput: true) { g, y in try g * y * y * y * -0.5 }
  }
  public func reciprocal() throws -> Variable {
    .unary(self, try value.map(.reciprocal), keepsOutput: true) { g, y in try -(g * y * y) }
  }
  public func sin() throws -> Variable {
    let a = self
    return .unary(a, try value.map(.sin)) { g, _ in try g * a.cos() }
  }
  public func cos() throws -> Variable {
    let a = self
    return .unary(a, try value.map(.cos)) { g, _ in try -(g * a.sin()) }
  }
  public func tan() throws -> Variable {
    .unary(self, try value.map(.tan), keepsOutput: true) { g, y in try g * (y * y + 1) }
  }
  /// Of numbers inside of −1…1; the slope at either end is infinite.
  public func acos() throws -> Variable {
    let a = self
    return .unary(a, try value.map(.acos)) { g, _ in try -(g * (1 - a.square()).rsqrt()) }
  }
  public func tanh() throws -> Variable {
    .unary(self, try value.map(.tanh), keepsOutput: true) { g, y in try g * (1 - y * y) }
  }
  public func sigmoid() throws -> Variable {
    .unary(self, try value.map(.sigmoid), keepsOutput: true) { g, y in try g * (y * (1 - y)) }
  }
  public func erf() throws -> Variable {
    let a = self
    return .unary(a, try value.map(.erf)) { g, _ in try g * ((-(a * a)).exp() * 1.128_379_167_095_512_6) }  // 2/√π
  }

  /// 0 at 0, with derivative 0 there.
  public func relu() throws -> Variable {
    let y = try value.map(.relu)
    return .unary(self, y) { g, _ in try g.rectified(by: y, slope: 0) }
  }
  public func leakyRelu(_ slope: Double = 0.01) throws -> Variable {
    let a = self
    return .unary(a, try value.leakyRelu(slope)) { g, _ in try g.rectified(by: a.value, slope: slope) }
  }
  /// self where `y` is positive, slope · self elsewhere: linear in self, and constant in y.
  private func rectified(by y: Tensor, slope: Double) throws -> Variable {
    .unary(self, try y.rectifiedGradient(value, slope: slope)) { g, _ in try g.rectified(by: y, slope: slope) }
  }
  public func elu(_ alpha: Double = 1) throws -> Variable {
    let a = self
    return .unary(a, try value.elu(alpha)) { g, _ in
      // min(x, 0), whose own derivative at 0 is 0, as in PyTorch's second derivative of elu.
      try .choose(Tensor.compare(.greater, a.value, 0), g, g * ((-(-a).relu()).exp() * alpha))
    }
  }
  /// log(1 + e^(βx)) / β.
  public func softplus(beta: Double = 1) throws -> Variable {
    if beta != 1 { return try (self * beta).softplus() / beta }
    let a = self
    return .unary(a, try value.map(.softplus)) { g, _ in try g * a.sigmoid() }
  }
  public func silu() throws -> Variable { try self * sigmoid() }
  public func logSigmoid() throws -> Variable { try -((-self).softplus()) }
  /// x·Φ(x), or the tanh approximation of Hendrycks and Gimpel (2016).
  public func gelu(approximate: Bool = false) throws -> Variable {
    if approximate {
      let inner = try (self + self * self * self * 0.044715) * 0.797_884_560_802_865_4  // √(2/π)
      return try self * (inner.tanh() + 1) * 0.5
    }
    return try self * ((self * 0.707_106_781_186_547_5).erf() + 1) * 0.5
  }

  /// Piecewise constant: derivative 0.
  public func sign() throws -> Variable { Variable(try value.map(.sign)) }
  public func floor() throws -> Variable { Variable(try value.map(.floor)) }
  public func ceil() throws -> Variable { Variable(try value.map(.ceil)) }
  public func round() throws -> Variable { Variable(try value.map(.round)) }

  /// Derivative 1 from `low` to `high`, both included, else 0.
  public func clamp(_ low: Double, _ high: Double) throws -> Variable {
    let a = self
    return .unary(a, try value.clamp(low, high)) { g, _ in
      let inside = try Tensor.logical(
        .and, .compare(.greaterEqual, a.value, low), .compare(.lessEqual, a.value, high))
      return try g.masked(inside)
    }
  }

  public func pow(_ exponent: Double) throws -> Variable {
    if exponent == 1 { return self }
    if exponent == 2 { return try square() }
    let a = self
    return .unary(a, try .combine(.pow, value, exponent)) { g, _ in
      exponent == 0 ? Variable(try Tensor.zeros(g.shape, g.dtype)) : try g * (a.pow(exponent - 1) * exponent)
    }
  }

  public func pow(_ exponent: Variable) throws -> Variable {
    let (a, b) = (self, exponent)
    return .binary(
      a, b, try .combine(.pow, a.value, b.value), keepsOutput: true,
      { g, _ in
        let slope = try g * (b * a.pow(b - 1))
        let isZero = try Tensor.compare(.equal, b.value, 0).broadcast(to: slope.shape)
        return try slope.masked(isZero.logicalNot()).sum(to: a)
      },
      { g, y in
        let slope = try g * (y * a.log())
        let isFlat = try Tensor.logical(.and, .compare(.equal, a.value, 0), .compare(.greaterEqual, b.value, 0))
        return try slope.masked(isFlat.logicalNot().broadcast(to: slope.shape)).sum(to: b)
      })
  }

  /// At ties each operand gets half of the gradient.
  public func maximum(_ other: Variable) throws -> Variable { try extreme(other, .maximum, .greater) }
  public func minimum(_ other: Variable) throws -> Variable { try extreme(other, .minimum, .less) }

  private func extreme(_ other: Variable, _ op: Tensor.BinaryOp, _ wins: Tensor.Comparison) throws -> Variable {
    let (a, b) = (self, other)
    func share(_ x: Variable, _ y: Variable, _ g: Variable) throws -> Variable {
      let won = try Tensor.compare(wins, x.value, y.value).converted(to: g.dtype)
      let tied = try Tensor.compare(.equal, x.value, y.value).converted(to: g.dtype)
      return try (g * Variable(won.multiplyAdd(0.5, tied))).sum(to: x)
    }
    return .binary(
      a, b, try .combine(op, a.value, b.value), { g, _ in try share(a, b, g) }, { g, _ in try share(b, a, g) })
  }

  /// self where the mask is true, 0 elsewhere.
  func masked(_ mask: Tensor) throws -> Variable {
    .unary(self, try .choose(mask, value, Tensor.scalar(0, dtype))) { g, _ in try g.masked(mask) }
  }

  /// `a` where the mask is true, `b` elsewhere; all broadcast.
  public static func choose(_ mask: Tensor, _ a: Variable, _ b: Variable) throws -> Variable {
    binary(
      a, b, try .choose(mask, a.value, b.value), { g, _ in try g.masked(mask).sum(to: a) },
      { g, _ in try g.masked(mask.logicalNot()).sum(to: b) })
  }
}
