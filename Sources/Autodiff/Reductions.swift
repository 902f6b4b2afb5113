// Reductions, each with its derivative.
import Ground
import Tensors

extension Variable {
  /// A reduced gradient brought back to the shape before: reduced axes with size 1, then broadcast.
  private func restored(_ shape: [Int], _ axes: [Int]?, _ keep: Bool) throws -> Variable {
    let reduced = Set(axes ?? Array(shape.indices))
    let kept = keep ? self : try reshape(shape.enumerated().map { reduced.contains($0.offset) ? 1 : $0.element })
    return try kept.broadcast(to: shape)
  }

  private func count(_ axes: [Int]?) -> Int { (axes ?? Array(0..<rank)).reduce(1) { $0 * ($1 < rank ? shape[$1] : 1) } }

  public func sum(axes: [Int]? = nil, keep: Bool = false) throws -> Variable {
    let a = self
    return .unary(a, try value.reduce(.sum, axes: axes, keep: keep)) { g, _ in try g.restored(a.shape, axes, keep) }
  }

  public func mean(axes: [Int]? = nil, keep: Bool = false) throws -> Variable {
    let a = self
    let scale = 1 / Double(count(axes))
    return .unary(a, try value.reduce(.mean, axes: axes, keep: keep)) { g, _ in
      try (g * scale).restored(a.shape, axes, keep)
    }
  }

  /// Divided by n - 1, or by n if biased.
  public func variance(axes: [Int]? = nil, keep: Bool = false, biased: Bool = false) throws -> Variable {
    let a = self
    let divisor = Double(count(axes) - (biased ? 0 : 1))
    let centred = try Tensor.combine(.sub, value, value.reduce(.mean, axes: axes, keep: true))
    let total = try centred.map(.square).reduce(.sum, axes: axes, keep: keep)
    // What passes through the mean vanishes: Σ (x - mean) = 0.
    return .unary(a, try Tensor.combine(.div, total, divisor)) { g, _ in
      try (g * (2 / divisor)).restored(a.shape, axes, keep) * (a - a.mean(axes: axes, keep: true))
    }
  }

  /// The root of the variance; its derivative where it is 0 is taken as 0.
  public func std(axes: [Int]? = nil, keep: Bool = false, biased: Bool = false) throws -> Variable {
    try variance(axes: axes, keep: keep, biased: biased).rootFlatAtZero()
  }

  /// √Σx²; its derivative at 0 is taken as 0.
  public func norm(axes: [Int]? = nil, keep: Bool = false) throws -> Variable {
    try square().sum(axes: axes, keep: keep).rootFlatAtZero()
  }

  /// The square root, with derivative 0 (of every order) where the argument is 0.
  private func rootFlatAtZero() throws -> Variable {
    .unary(self, try value.map(.sqrt), keepsOutput: true) { g, y in
      let isZero = try Tensor.compare(.equal, y.value, 0)
      let safe = try Variable.choose(isZero, Variable(Tensor.full([], 1, y.dtype)), y)
      return try (g / (safe * 2)).masked(isZero.logicalNot())
    }
  }

  /// Ties share the gradient evenly.
  public func max(axes: [Int]? = nil, keep: Bool = false) throws -> Variable { try extreme(.max, axes, keep) }
  public func min(axes: [Int]? = nil, keep: Bool = false) throws -> Variable { try extreme(.min, axes, keep) }

  private func extreme(_ kind: Tensor.Reduction, _ axes: [Int]?, _ keep: Bool) throws -> Variable {
    let a = self
    let result = try value.reduce(kind, axes: axes, keep: keep)
    return .unary(a, result) { g, _ in
      let top = try a.value.reduce(kind, axes: axes, keep: true)
      let hits = try Tensor.compare(.equal, a.value, top).converted(to: g.dtype)
      let shares = try Tensor.combine(.div, hits, hits.reduce(.sum, axes: axes, keep: true))
      return try g.restored(a.shape, axes, keep) * Variable(shares)
    }
  }

  /// log Σ eˣ, computed from the largest element so that it neither over- nor underflows.
  public func logSumExp(axes: [Int]? = nil, keep: Bool = false) throws -> Variable {
    let a = self
    let top = try value.reduce(.max, axes: axes, keep: true)
    let finite = try Tensor.choose(
      .compare(.less, top.map(.abs), .infinity), top, Tensor.scalar(0, dtype))
    let total = try Tensor.combine(.sub, value, finite).map(.exp).reduce(.sum, axes: axes, keep: true)
    let kept = try Tensor.combine(.add, total.map(.log), finite)
    let result = keep ? kept : try kept.reduce(.sum, axes: axes, keep: false)
    return .unary(a, result, keepsOutput: true) { g, y in
      try g.restored(a.shape, axes, keep) * (a - y.restored(a.shape, axes, keep)).exp()
    }
  }

  /// The product, by halving, so that derivatives are right where elements are 0.
  public func prod(axes: [Int]? = nil, keep: Bool = false) throws -> Variable {
    var result = self
    for axis in axes ?? Array(0..<rank) {
      try value.checked(axis: axis)
      if result.shape[axis] == 0 {
        var shape = result.shape
        shape[axis] = 1
        result = Variable(try Tensor.full(shape, 1, dtype))
      }
      while result.shape[axis] > 1 {
        let size = result.shape[axis]
        let half = size / 2
        let product =
          try result.slice(axis: axis, from: 0, to: half) * result.slice(axis: axis, from: half, to: 2 * half)
        result =
          size % 2 == 0
          ? product : try .concat([product, result.slice(axis: axis, from: size - 1, to: size)], axis: axis)
      }
    }
    if keep { return result }
    let reduced = Set(axes ?? Array(0..<rank))
    return try result.reshape(shape.enumerated().filter { !reduced.contains($0.offset) }.map(\.element))
  }

  public func cumsum(axis: Int) throws -> Variable {
    .unary(self, try value.cumsum(axis: axis)) { g, _ in try g.flip(axes: [axis]).cumsum(axis: axis).flip(axes: [axis])
    }
  }

  public func argmax(axis: Int? = nil, keep: Bool = false) throws -> Tensor { try value.argmax(axis: axis, keep: keep) }
  public func argmin(axis: Int? = nil, keep: Bool = false) throws -> Tensor { try value.argmin(axis: axis, keep: keep) }

  /// Sorted along an axis, and where the elements came from.
  public func sort(axis: Int, descending: Bool = false) throws -> (values: Variable, indices: Tensor) {
    let places = try value.sort(axis: axis, descending: descending).indices
    return (try gather(axis: axis, places), places)
  }

  public func softmax(axis: Int) throws -> Variable {
    let place = try placed(axis)
    return .unary(self, try value.softmax(axis: place), keepsOutput: true) { g, y in
      try y * (g - (g * y).sum(axes: [place], keep: true))
    }
  }

  public func logSoftmax(axis: Int) throws -> Variable {
    let place = try placed(axis)
    return .unary(self, try value.logSoftmax(axis: place), keepsOutput: true) { g, y in
      try g - y.exp() * g.sum(axes: [place], keep: true)
    }
  }

  /// An axis counted from the front; negative ones count from the end.
  func placed(_ axis: Int) throws -> Int {
    let place = axis < 0 ? axis + rank : axis
    try value.checked(axis: place)
    return place
  }
}

extension Tensor {
  func checked(axis: Int) throws {
    guard axis >= 0, axis < rank else { throw Tensor.noAxis(axis, shapeText(shape), rank) }
  }
}
