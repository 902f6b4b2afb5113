// Operators that only change shape or pick parts. Those of whole numbers compute the shapes of others.
import Autodiff
import Ground
import Tensors

extension OnnxCall {
  func reshaped() throws -> OnnxValue {
    switch node.operation {
    case "Shape":
      let shape = try value(0).shape
      let range = try bounds(
        node.integer("start", default: 0), node.integer("end", default: shape.count), step: 1, size: shape.count)
      let part = Array(shape[range.from..<max(range.from, range.to)])
      return .integers(part, shape: [part.count])
    case "Size": return .integers([try value(0).shape.reduce(1, *)], shape: [])
    case "Gather": return try gather()
    case "Slice": return try slice()
    case "Unsqueeze": return try unsqueeze()
    case "Squeeze": return try squeeze()
    case "Reshape": return try reshape()
    case "Flatten":
      let x = try tensor(0)
      let given = try node.integer("axis", default: 1)
      let place = given == x.rank ? given : try axis(given, rank: x.rank)
      return .tensor(try x.reshape([x.shape[..<place].reduce(1, *), x.shape[place...].reduce(1, *)]))
    case "Transpose":
      let source = try value(0)
      let rank = source.shape.count
      let order = try node.integers("perm") ?? Array((0..<rank).reversed())
      guard order.sorted() == Array(0..<rank) else { throw problem("has the order \(order) for \(rank) axes") }
      if case .integers(let numbers, let shape) = source {
        return try moved(numbers, shape) { try $0.permute(order) }
      }
      return .tensor(try tensor(0).permute(order))
    case "Pad": return .tensor(try pad())
    case "Expand":
      let (source, wanted) = (try value(0), try integers(1, "shape"))
      guard let shape = OnnxCall.broadcast(source.shape, wanted) else {
        throw problem("cannot make \(wanted) of \(source.shape)")
      }
      try allow(shape)
      if case .integers(let numbers, let own) = source {
        guard shape.reduce(1, *) <= 1 << 16 else { throw problem("makes too many whole numbers") }
        return try moved(numbers, own) { try $0.broadcast(to: shape) }
      }
      return .tensor(try tensor(0).broadcast(to: shape))
    default: throw problem("is not known")
    }
  }

  private func reshape() throws -> OnnxValue {
    let source = try value(0)
    var shape = try integers(1, "shape")
    let size = source.shape.reduce(1, *)
    let keepsZero = try node.integer("allowzero", default: 0) != 0
    guard shape.count <= 16, shape.allSatisfy({ $0 >= -1 && $0 < 1 << 31 }) else {
      throw problem("has the shape \(shape)")
    }
    for i in shape.indices where shape[i] == 0 && !keepsZero && i < source.shape.count { shape[i] = source.shape[i] }
    // A batch that was fixed when the network was exported follows the one given now.
    if let batch, let n = source.shape.first, n != batch, shape.first == batch, case .tensor = source {
      shape[0] = n
    }
    if let free = shape.firstIndex(of: -1) {
      let known = shape.indices.filter { $0 != free }.reduce(1) { product, i in
        product.multipliedReportingOverflow(by: shape[i]).partialValue
      }
      guard known > 0, size % known == 0, shape.lastIndex(of: -1) == free else {
        throw problem("cannot make \(shape) of \(source.shape)")
      }
      shape[free] = size / known
    }
    guard byteCount(shape, .int8) == size else { throw problem("cannot make \(shape) of \(source.shape)") }
    switch source {
    case .tensor(let x): return .tensor(try x.reshape(shape))
    case .integers(let values, _): return .integers(values, shape: shape)
    }
  }

  /// Whole numbers of a shape, rearranged as a tensor is.
  private func moved(_ numbers: [Int], _ shape: [Int], _ change: (Tensor) throws -> Tensor) throws -> OnnxValue {
    let result = try change(Tensor(numbers.map(Int64.init), shape: shape))
    return .integers(try result.integers(), shape: result.shape)
  }

  private func bounds(_ from: Int, _ to: Int, step: Int, size: Int) throws -> (from: Int, to: Int) {
    func place(_ index: Int) -> Int { min(max(index < 0 ? index &+ size : index, 0), size) }
    guard step == 1 || step > 1 else { throw problem("goes backwards, which Seep does not run") }
    return (place(from), place(to))
  }

  private func slice() throws -> OnnxValue {
    let source = try value(0)
    guard let starts = try integers(1, or: "starts"), let ends = try integers(2, or: "ends"), starts.count == ends.count
    else { throw problem("needs as many ends as starts") }
    let rank = source.shape.count
    let places = try axes(integers(3, or: "axes") ?? Array(0..<starts.count), rank: rank)
    let steps = try has(4) ? integers(4, "steps") : [Int](repeating: 1, count: starts.count)
    guard places.count == starts.count, steps.count == starts.count else {
      throw problem("needs as many axes as starts")
    }
    if case .integers(let values, let shape) = source {
      return try moved(values, shape) { given in
        try places.enumerated().reduce(given) { x, item in
          let size = x.shape[item.element]
          let taken = try rows(starts[item.offset], ends[item.offset], steps[item.offset], size: size)
          return try x.indexSelect(axis: item.element, Tensor(taken.map(Int64.init), shape: [taken.count]))
        }
      }
    }
    var x = try tensor(0)
    for (index, place) in places.enumerated() {
      let (from, to) = try bounds(starts[index], ends[index], step: steps[index], size: x.shape[place])
      x = try x.slice(axis: place, from: from, to: max(from, to), step: min(steps[index], 1 << 31))
    }
    return .tensor(x)
  }

  /// The places that a slice takes, forwards or backwards.
  private func rows(_ from: Int, _ to: Int, _ step: Int, size: Int) throws -> [Int] {
    if step > 0 {
      let (first, end) = try bounds(from, to, step: step, size: size)
      return Array(stride(from: first, to: end, by: step))
    }
    guard step < 0, step > -1 << 31 else { throw problem("has the step \(step)") }
    func place(_ index: Int) -> Int { min(max(index < 0 ? index &+ size : index, -1), size - 1) }
    // Far below zero means before the first.
    return Array(stride(from: place(from), to: to < -size ? -1 : place(to), by: step))
  }

  private func gather() throws -> OnnxValue {
    let source = try value(0)
    guard case .integers(let indices, let shape) = try value(1) else { throw problem("takes whole numbers as indices") }
    let place = try axis(node.integer("axis", default: 0), rank: source.shape.count)
    let size = source.shape[place]
    let rows = try indices.map { index -> Int in
      guard index >= -size, index < size else { throw problem("takes the element \(index) of \(size)") }
      return index < 0 ? index + size : index
    }
    if case .integers(let values, let own) = source {
      guard own.count == 1 else { throw problem("cannot gather from \(own) numbers") }
      return .integers(rows.map { values[$0] }, shape: shape)
    }
    let x = try tensor(0)
    let result = Array(x.shape[..<place]) + shape + Array(x.shape[(place + 1)...])
    try allow(result)
    let taken = try x.indexSelect(axis: place, Tensor(rows.map(Int64.init), shape: [rows.count]))
    return .tensor(try taken.reshape(result))
  }

  private func unsqueeze() throws -> OnnxValue {
    let source = try value(0)
    guard let given = try integers(1, or: "axes") else { throw problem("names no axes") }
    guard source.shape.count + given.count <= 16 else {
      throw problem("makes \(source.shape.count + given.count) axes")
    }
    let places = try axes(given, rank: source.shape.count + given.count).sorted()
    var shape = source.shape
    for place in places { shape.insert(1, at: place) }
    switch source {
    case .tensor(let x): return .tensor(try x.reshape(shape))
    case .integers(let values, _): return .integers(values, shape: shape)
    }
  }

  private func squeeze() throws -> OnnxValue {
    let source = try value(0)
    let given = try integers(1, or: "axes")
    let places =
      try given.map { try axes($0, rank: source.shape.count) } ?? source.shape.indices.filter { source.shape[$0] == 1 }
    guard places.allSatisfy({ source.shape[$0] == 1 }) else {
      throw problem("removes an axis of \(source.shape) that is not 1")
    }
    let shape = source.shape.indices.filter { !places.contains($0) }.map { source.shape[$0] }
    switch source {
    case .tensor(let x): return .tensor(try x.reshape(shape))
    case .integers(let values, _): return .integers(values, shape: shape)
    }
  }

  private func pad() throws -> Variable {
    let x = try tensor(0)
    guard let given = try integers(1, or: "pads") else { throw problem("names no pads") }
    let places = try has(3) ? axes(integers(3, "axes"), rank: x.rank) : Array(0..<x.rank)
    guard given.count == 2 * places.count, given.allSatisfy({ $0 >= 0 && $0 < 1 << 31 }) else {
      throw problem("has the pads \(given) for \(places.count) axes")
    }
    var pads = [(Int, Int)](repeating: (0, 0), count: x.rank)
    for (index, place) in places.enumerated() { pads[place] = (given[index], given[index + places.count]) }
    try allow(zip(x.shape, pads).map { $0 + $1.0 + $1.1 })
    switch try node.text("mode", default: "constant") {
    case "constant": return try x.pad(pads, value: number(2, or: "value") ?? 0)
    case "reflect": return try x.pad(pads, mode: .reflect)
    case let mode: throw problem("has the mode \(mode), which Seep does not run")
    }
  }
}
