// Gradients against finite differences, in float64.
import Ground
import Tensors

/// The largest relative difference |a - b| / max(1, |a|, |b|) between the gradient of a scalar function and central
/// differences of fourth order, over every element of every argument.
///
///     (8·(f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h,   h = eps·max(1, |x|)
///
/// Arguments are taken to float64 first. Four evaluations per element. A difference that is no number counts as infinite.
public func checkGradient(
  at points: [Tensor], eps: Double = 1e-4, _ function: ([Variable]) throws -> Variable
) throws -> Double {
  let points = try points.map { try $0.converted(to: .float64) }
  let slopes = try valueAndGradients(at: points, function).gradients.map { try $0.doubles() }
  var numbers = try points.map { try $0.doubles() }

  func value(_ argument: Int, _ element: Int, _ x: Double) throws -> Double {
    let before = numbers[argument][element]
    numbers[argument][element] = x
    defer { numbers[argument][element] = before }
    return try withoutRecording {
      try function(zip(numbers, points).map { Variable(try Tensor($0, shape: $1.shape)) }).value.item()
    }
  }

  var worst = 0.0
  for argument in points.indices {
    for (element, slope) in slopes[argument].enumerated() {
      try Interrupt.check()
      let x = numbers[argument][element]
      let h = eps * max(1, abs(x))
      let near = try value(argument, element, x + h) - value(argument, element, x - h)
      let far = try value(argument, element, x + 2 * h) - value(argument, element, x - 2 * h)
      let difference = (8 * near - far) / (12 * h)
      let error = abs(slope - difference) / max(1, abs(slope), abs(difference))
      worst = error.isNaN ? .infinity : max(worst, error)
    }
  }
  return worst
}
