// Derivatives of functions over flat lists of variables: the ready-made forms of `gradients`.
//
// Where `recording` is true (the default), results can be differentiated again with respect to whatever the arguments or
// the function's captured variables depend on.
import Ground
import Tensors

/// From variables to variables.
public typealias Mapping = ([Variable]) throws -> [Variable]

private func filled(_ gradients: [Variable?], like arguments: [Variable]) throws -> [Variable] {
  try zip(gradients, arguments).map { try $0 ?? Variable(Tensor.zeros($1.shape, $1.dtype)) }
}

/// The value of `f`, one number, and its gradient for every argument (zeros where it does not depend on it).
public func valueAndGradient(
  at arguments: [Variable], recording: Bool = true, _ f: ([Variable]) throws -> Variable
) throws -> (value: Variable, gradients: [Variable]) {
  let watched = arguments.map { $0.watched() }
  let value = try withRecording { try f(watched) }
  let found = try gradients(of: value, wrt: watched, recording: recording)
  return (value, try filled(found, like: arguments))
}

/// The same in plain tensors.
public func valueAndGradients(
  at points: [Tensor], _ f: ([Variable]) throws -> Variable
) throws -> (value: Tensor, gradients: [Tensor]) {
  let (value, gradients) = try valueAndGradient(at: points.map { Variable($0) }, recording: false, f)
  return (value.value, gradients.map(\.value))
}

/// cotangentsᵀ · J: the outputs of `f` and the gradients of their products with the cotangents.
public func vjp(
  at arguments: [Variable], cotangents: [Variable], recording: Bool = true, _ f: Mapping
) throws -> (outputs: [Variable], gradients: [Variable]) {
  let watched = arguments.map { $0.watched() }
  let outputs = try withRecording { try f(watched) }
  let found = try gradients(of: outputs, cotangents: cotangents, wrt: watched, recording: recording)
  return (outputs, try filled(found, like: arguments))
}

/// J · tangents: the outputs of `f` and how they change along the tangents. The gradient of uᵀJ·v with respect to u.
public func jvp(
  at arguments: [Variable], tangents: [Variable], recording: Bool = true, _ f: Mapping
) throws -> (outputs: [Variable], tangents: [Variable]) {
  try requireLike(arguments, tangents)
  let watched = arguments.map { $0.watched() }
  let outputs = try withRecording { try f(watched) }
  let dummies = try outputs.map { Variable(try Tensor.zeros($0.shape, $0.dtype)).watched() }
  let pulled = try gradients(of: outputs, cotangents: dummies, wrt: watched, recording: true)
  var (dependent, along): ([Variable], [Variable]) = ([], [])
  for (pullback, tangent) in zip(pulled, tangents) {
    guard let pullback else { continue }
    dependent.append(pullback)
    along.append(tangent)
  }
  let pushed = try gradients(of: dependent, cotangents: along, wrt: dummies, recording: recording)
  return (outputs, try filled(pushed, like: outputs))
}

/// H · vectors, H the Hessian of `f`, one number, over all arguments together.
public func hvp(
  at arguments: [Variable], vectors: [Variable], recording: Bool = true, _ f: ([Variable]) throws -> Variable
) throws -> [Variable] {
  try requireLike(arguments, vectors)
  let watched = arguments.map { $0.watched() }
  let value = try withRecording { try f(watched) }
  var (slopes, along): ([Variable], [Variable]) = ([], [])
  for (slope, vector) in zip(try gradients(of: value, wrt: watched, recording: true), vectors) {
    guard let slope else { continue }
    slopes.append(slope)
    along.append(vector)
  }
  return try filled(gradients(of: slopes, cotangents: along, wrt: watched, recording: recording), like: arguments)
}

/// All second derivatives of `f`, one number: block [i][j] has the shape of argument i followed by that of argument j.
/// One walk back per element of the arguments.
public func hessian(
  at arguments: [Variable], recording: Bool = true, _ f: ([Variable]) throws -> Variable
) throws -> [[Variable]] {
  let watched = arguments.map { $0.watched() }
  let value = try withRecording { try f(watched) }
  let slopes = try gradients(of: value, wrt: watched, recording: true)
  return try zip(arguments, slopes).map { argument, slope in
    var rows = [[Variable]](repeating: [], count: arguments.count)
    for element in 0..<argument.size {
      try Interrupt.check()
      let row: [Variable?]
      if let slope {
        row = try gradients(
          of: slope, wrt: watched, cotangent: Variable(unit(element, slope.shape, slope.dtype)), recording: recording)
      } else {
        row = arguments.map { _ in nil }
      }
      for (place, part) in try filled(row, like: arguments).enumerated() { rows[place].append(part) }
    }
    return try zip(rows, arguments).map { parts, other in
      let shape = argument.shape + other.shape
      if parts.isEmpty { return Variable(try Tensor.zeros(shape, argument.dtype)) }
      return try Variable.stack(parts, axis: 0).reshape(shape)
    }
  }
}

/// Zeros with a one at one place.
private func unit(_ element: Int, _ shape: [Int], _ dtype: DType) throws -> Tensor {
  var values = [Double](repeating: 0, count: shape.reduce(1, *))
  values[element] = 1
  return try Tensor(values, shape: shape).converted(to: dtype)
}

private func requireLike(_ arguments: [Variable], _ vectors: [Variable]) throws {
  guard arguments.count == vectors.count else {
    throw Fault("shape-mismatch", "\(vectors.count) vectors for \(arguments.count) arguments")
  }
  for (argument, vector) in zip(arguments, vectors) where argument.shape != vector.shape {
    throw Fault(
      "shape-mismatch",
      "a vector has the shape of its argument: \(shapeText(vector.shape)) is given where \(shapeText(argument.shape)) is needed"
    )
  }
}
