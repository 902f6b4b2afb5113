// L-BFGS (Nocedal and Wright, Numerical Optimization, chapter 7) with the rules of torch.optim.LBFGS for the first step,
// for stopping and for counting evaluations. The line search is in StrongWolfe.swift.
import Ground
import Tensors

/// `lbfgs(lr: 1)`: the optimiser of DLG. Unlike the others it evaluates the loss itself, several times a step.
public struct LBFGS: Sendable {
  public enum LineSearch: String, Sendable { case none, strongWolfe = "strong_wolfe" }

  /// Loss and gradient at a point.
  public typealias Evaluate = ([Tensor]) throws -> (loss: Double, gradient: [Tensor])

  public var rate: Double
  /// Directions tried within one step.
  public var maxIterations: Int
  /// Evaluations within one step after which no further direction is begun.
  public var maxEvaluations: Int
  /// Ends a step where no component of the gradient is larger.
  public var toleranceGradient: Double
  /// Ends a step where neither point nor loss changes by more.
  public var toleranceChange: Double
  /// Pairs of changes remembered.
  public var history: Int
  public var lineSearch: LineSearch

  /// Evaluations and directions so far.
  public private(set) var evaluations = 0
  public private(set) var iterations = 0

  private var pairs: [Pair] = []
  private var scale = 1.0
  private var direction: [Double] = []
  private var length = 0.0
  private var lastGradient: [Double] = []

  private struct Pair {
    var change: [Double]
    var gradientChange: [Double]
    var inverseProduct: Double
  }

  public init(
    rate: Double = 1, maxIterations: Int = 20, maxEvaluations: Int? = nil, toleranceGradient: Double = 1e-7,
    toleranceChange: Double = 1e-9, history: Int = 100, lineSearch: LineSearch = .none
  ) {
    self.rate = rate
    self.maxIterations = maxIterations
    self.maxEvaluations = maxEvaluations ?? maxIterations * 5 / 4
    self.toleranceGradient = toleranceGradient
    self.toleranceChange = toleranceChange
    self.history = max(history, 1)
    self.lineSearch = lineSearch
  }

  /// The same rules at another rate, with nothing remembered.
  public func fresh(rate: Double) -> LBFGS {
    LBFGS(
      rate: rate, maxIterations: maxIterations, maxEvaluations: maxEvaluations, toleranceGradient: toleranceGradient,
      toleranceChange: toleranceChange, history: history, lineSearch: lineSearch)
  }

  public var written: String {
    "lbfgs(lr: \(rate)" + option("max_iterations", maxIterations, default: 20)
      + option("history", history, default: 100)
      + (lineSearch == .none ? "" : ", line_search: \"strong_wolfe\"") + ")"
  }

  /// One step: up to `maxIterations` directions.
  /// - Returns: the new point and the loss at the old one.
  public mutating func step(_ point: [Tensor], _ evaluate: Evaluate) throws -> (point: [Tensor], loss: Double) {
    let frame = VectorFrame(point)
    var x = try frame.flatten(point)
    let first = try look(at: x, frame, evaluate)
    let before = evaluations - 1
    var (loss, gradient) = first
    guard largest(gradient) > toleranceGradient else { return (point, loss) }

    for iteration in 1...max(maxIterations, 1) {
      try Interrupt.check()
      iterations += 1
      chooseDirection(gradient)
      (lastGradient, length) = (gradient, iterations == 1 ? min(1, 1 / sumOfAbsolutes(gradient)) * rate : rate)
      let lastLoss = loss
      let slope = dot(gradient, direction)
      if slope > -toleranceChange { break }

      if lineSearch == .strongWolfe {
        let origin = x
        var search = StrongWolfe(
          loss: loss, gradient: gradient, slope: slope, direction: direction,
          mostTrials: maxEvaluations - (evaluations - before))
        let found = try search.run(from: length) { step in
          try look(at: stepped(origin, step, direction), frame, evaluate)
        }
        (length, loss, gradient) = (found.step, found.loss, found.gradient)
        x = stepped(x, length, direction)
      } else {
        x = stepped(x, length, direction)
        if iteration != maxIterations { (loss, gradient) = try look(at: x, frame, evaluate) }
      }
      if iteration == maxIterations || evaluations - before >= maxEvaluations { break }
      if largest(gradient) <= toleranceGradient { break }
      if abs(length) * largest(direction) <= toleranceChange || abs(loss - lastLoss) < toleranceChange { break }
    }
    return (try frame.unflatten(x), first.loss)
  }

  private mutating func look(at x: [Double], _ frame: VectorFrame, _ evaluate: Evaluate) throws -> (
    loss: Double, gradient: [Double]
  ) {
    evaluations += 1
    let (loss, gradient) = try evaluate(frame.unflatten(x))
    return (loss, try frame.flatten(gradient))
  }

  /// The two-loop recursion, from the pair of changes since the last direction.
  private mutating func chooseDirection(_ gradient: [Double]) {
    guard iterations > 1 else {
      (pairs, scale) = ([], 1)
      direction = gradient.map { -$0 }
      return
    }
    let gradientChange = zip(gradient, lastGradient).map { $0 - $1 }
    let change = direction.map { $0 * length }
    let product = dot(gradientChange, change)
    if product > 1e-10 {
      if pairs.count == history { pairs.removeFirst() }
      pairs.append(Pair(change: change, gradientChange: gradientChange, inverseProduct: 1 / product))
      scale = product / dot(gradientChange, gradientChange)
    }
    var weights = [Double](repeating: 0, count: pairs.count)
    var q = gradient.map { -$0 }
    for (index, pair) in pairs.enumerated().reversed() {
      weights[index] = dot(pair.change, q) * pair.inverseProduct
      q = stepped(q, -weights[index], pair.gradientChange)
    }
    q = q.map { $0 * scale }
    for (index, pair) in pairs.enumerated() {
      q = stepped(q, weights[index] - dot(pair.gradientChange, q) * pair.inverseProduct, pair.change)
    }
    direction = q
  }
}

/// Tensors as one vector and back.
private struct VectorFrame {
  let shapes: [[Int]]
  let dtypes: [DType]

  init(_ tensors: [Tensor]) {
    shapes = tensors.map(\.shape)
    dtypes = tensors.map(\.dtype)
  }

  func flatten(_ tensors: [Tensor]) throws -> [Double] {
    guard tensors.map(\.shape) == shapes else {
      throw Fault("shape-mismatch", "a gradient has shapes \(tensors.map(\.shape)) where the point has \(shapes)")
    }
    return try tensors.flatMap { try $0.doubles() }
  }

  func unflatten(_ vector: [Double]) throws -> [Tensor] {
    var start = 0
    return try zip(shapes, dtypes).map { shape, dtype in
      let count = shape.reduce(1, *)
      defer { start += count }
      return try Tensor(Array(vector[start..<start + count]), shape: shape).converted(to: dtype)
    }
  }
}

func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for i in 0..<min(a.count, b.count) { sum += a[i] * b[i] }
  return sum
}

/// Largest absolute value.
func largest(_ a: [Double]) -> Double { a.reduce(0) { max($0, abs($1)) } }

private func sumOfAbsolutes(_ a: [Double]) -> Double { a.reduce(0) { $0 + abs($1) } }

/// x + step · direction.
private func stepped(_ x: [Double], _ step: Double, _ direction: [Double]) -> [Double] {
  var result = x
  for i in result.indices { result[i] += step * direction[i] }
  return result
}
