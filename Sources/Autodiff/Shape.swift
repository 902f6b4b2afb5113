// Shapes and places: linear operations whose derivatives put every element back where it came from.
import Ground
import Tensors

extension Variable {
  public func reshape(_ shape: [Int]) throws -> Variable {
    if shape == self.shape { return self }
    let a = self
    return .unary(a, try value.reshape(shape)) { g, _ in try g.reshape(a.shape) }
  }

  public func permute(_ axes: [Int]) throws -> Variable {
    .unary(self, try value.permute(axes)) { g, _ in
      var inverse = axes
      for (place, axis) in axes.enumerated() { inverse[axis] = place }
      return try g.permute(inverse)
    }
  }

  /// The last two axes exchanged.
  public func transposed() throws -> Variable { .unary(self, try value.transposed()) { g, _ in try g.transposed() } }

  public func broadcast(to shape: [Int]) throws -> Variable {
    if shape == self.shape { return self }
    let a = self
    return .unary(a, try value.broadcast(to: shape)) { g, _ in try g.sum(to: a) }
  }

  public func squeeze(axis: Int) throws -> Variable {
    .unary(self, try value.squeeze(axis: axis)) { g, _ in try g.unsqueeze(axis: axis) }
  }
  public func unsqueeze(axis: Int) throws -> Variable {
    .unary(self, try value.unsqueeze(axis: axis)) { g, _ in try g.squeeze(axis: axis) }
  }
  public func flip(axes: [Int]) throws -> Variable {
    .unary(self, try value.flip(axes: axes)) { g, _ in try g.flip(axes: axes) }
  }

  public func slice(axis: Int, from: Int, to: Int, step: Int = 1) throws -> Variable {
    let a = self
    let part = try value.slice(axis: axis, from: from, to: to, step: step)
    if step == 1 {
      return .unary(a, part) { g, _ in
        var pads = [(Int, Int)](repeating: (0, 0), count: a.rank)
        pads[axis] = (from, a.shape[axis] - to)
        return try g.pad(pads)
      }
    }
    guard isTracked else { return Variable(part) }
    let places = (0..<part.shape[axis]).map { Int64(from + $0 * step) }
    return try indexSelect(axis: axis, Tensor(places, shape: [places.count]))
  }

  public func select(axis: Int, index: Int) throws -> Variable {
    try value.checked(axis: axis)
    guard index >= 0, index < shape[axis] else {
      throw Fault("index-out-of-range", "index \(index) is outside an axis of size \(shape[axis])")
    }
    return try slice(axis: axis, from: index, to: index + 1).squeeze(axis: axis)
  }

  /// (before, after) elements of `value` along each axis.
  /// Negative numbers cut elements off.
  public func pad(_ pads: [(Int, Int)], value filler: Double = 0) throws -> Variable {
    guard pads.count == rank else { throw Fault("bad-shape", "\(pads.count) paddings for \(rank) axes") }
    if pads.contains(where: { $0.0 < 0 || $0.1 < 0 }) {
      var part = self
      for (axis, pad) in pads.enumerated() where pad.0 < 0 || pad.1 < 0 {
        let (low, high) = (Swift.max(0, -pad.0), shape[axis] + Swift.min(0, pad.1))
        guard low <= high else {
          throw Fault("bad-shape", "padding by \(pad) leaves nothing of an axis of size \(shape[axis])")
        }
        part = try part.slice(axis: axis, from: low, to: high)
      }
      return try part.pad(pads.map { (Swift.max(0, $0.0), Swift.max(0, $0.1)) }, value: filler)
    }
    let a = self
    return .unary(a, try value.pad(pads, value: filler)) { g, _ in
      var part = g
      for axis in pads.indices where pads[axis] != (0, 0) {
        part = try part.slice(axis: axis, from: pads[axis].0, to: pads[axis].0 + a.shape[axis])
      }
      return part
    }
  }

  /// How `pad` continues an image beyond its border.
  public enum PadMode: String, Sendable { case reflect, replicate, circular }

  public func pad(_ pads: [(Int, Int)], mode: PadMode) throws -> Variable {
    guard pads.count == rank else { throw Fault("bad-shape", "\(pads.count) paddings for \(rank) axes") }
    var result = self
    for axis in pads.indices where pads[axis] != (0, 0) {
      let size = shape[axis]
      let widest = Swift.max(pads[axis].0, pads[axis].1)
      guard size > 0, mode == .replicate || widest < size + (mode == .circular ? 1 : 0) else {
        throw Fault("bad-shape", "\(mode.rawValue) padding by \(widest) needs an axis longer than \(size)")
      }
      let places = (-pads[axis].0..<size + pads[axis].1).map { place -> Int64 in
        switch mode {
        case .replicate: Int64(Swift.min(Swift.max(place, 0), size - 1))
        case .circular: Int64((place + size) % size)
        case .reflect: Int64(place < 0 ? -place : place >= size ? 2 * (size - 1) - place : place)
        }
      }
      result = try result.indexSelect(axis: axis, Tensor(places, shape: [places.count]))
    }
    return result
  }

  public static func concat(_ parts: [Variable], axis: Int) throws -> Variable {
    let result = try Tensor.concat(parts.map(\.value), axis: axis)
    var starts: [Int] = [0]
    for part in parts { starts.append((starts.last ?? 0) + part.shape[axis]) }
    return many(parts, result) { index, g in try g.slice(axis: axis, from: starts[index], to: starts[index + 1]) }
  }

  /// Along a new axis.
  public static func stack(_ parts: [Variable], axis: Int) throws -> Variable {
    try concat(parts.map { try $0.unsqueeze(axis: axis) }, axis: axis)
  }

  /// Shifted along an axis, around the end.
  public func roll(shift: Int, axis: Int) throws -> Variable {
    try value.checked(axis: axis)
    let size = shape[axis]
    guard size > 0 else { return self }
    let by = ((shift % size) + size) % size
    if by == 0 { return self }
    return try .concat(
      [slice(axis: axis, from: size - by, to: size), slice(axis: axis, from: 0, to: size - by)], axis: axis)
  }

  /// The lower triangle of the last two axes, zeros above.
  public func tril() throws -> Variable {
    guard rank >= 2 else { throw Fault("bad-axis", "a triangle needs two axes, and the shape is \(shapeText(shape))") }
    let (rows, columns) = (shape[rank - 2], shape[rank - 1])
    let mask = try Tensor((0..<rows * columns).map { $0 % columns <= $0 / columns }, shape: [rows, columns])
    return try masked(mask)
  }

  // MARK: By index

  public func gather(axis: Int, _ indices: Tensor) throws -> Variable {
    let a = self
    return .unary(a, try value.gather(axis: axis, indices)) { g, _ in
      try g.scatterAdd(axis: axis, indices, into: a.shape)
    }
  }

  /// Zeros with `size` along `axis`, every element added at its index.
  public func scatterAdd(axis: Int, _ indices: Tensor, size: Int) throws -> Variable {
    var target = shape
    try value.checked(axis: axis)
    target[axis] = size
    return try scatterAdd(axis: axis, indices, into: target)
  }

  func scatterAdd(axis: Int, _ indices: Tensor, into shape: [Int]) throws -> Variable {
    .unary(self, try value.scatterAdd(axis: axis, indices, into: shape)) { g, _ in try g.gather(axis: axis, indices) }
  }

  public func indexSelect(axis: Int, _ indices: Tensor) throws -> Variable {
    let a = self
    return .unary(a, try value.indexSelect(axis: axis, indices)) { g, _ in
      try g.indexAdd(axis: axis, indices, size: a.shape[axis])
    }
  }

  /// Zeros with `size` along `axis`, each slice added at its index.
  public func indexAdd(axis: Int, _ indices: Tensor, size: Int) throws -> Variable {
    .unary(self, try value.indexAdd(axis: axis, indices, size: size)) { g, _ in
      try g.indexSelect(axis: axis, indices)
    }
  }
}
