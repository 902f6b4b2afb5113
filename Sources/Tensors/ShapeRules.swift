// What operations make of shapes, and the words for shapes that do not fit, about shapes as they are written: for those who judge a
// program without running it as well.
import Ground

extension Tensor {
  /// The shape that `reshape` gives; one size of `wanted` may be -1.
  public static func reshaped(_ shape: [Int], _ wanted: [Int]) throws -> [Int] {
    let size = shape.reduce(1, *)
    func unfit(_ operands: [Int: String]) -> Fault {
      Fault(
        "shape-mismatch", "\(size) elements of shape \(shapeText(shape)) do not fill the shape \(shapeText(wanted))",
        operands: operands)
    }
    var result = wanted
    if let open = wanted.firstIndex(of: -1) {
      var known = 1
      for (axis, extent) in wanted.enumerated() where axis != open {
        let (product, isTooLarge) = known.multipliedReportingOverflow(by: extent)
        if isTooLarge { throw unfit([:]) }
        known = product
      }
      guard known > 0, size % known == 0, wanted.count(where: { $0 == -1 }) == 1 else { throw unfit([:]) }
      result[open] = size / known
    }
    guard try checkedSize(result) == size else { throw unfit([0: shapeText(shape)]) }
    return result
  }

  /// Whether these are all axes, in some order.
  public static func checkOrder(_ axes: [Int], rank: Int) throws {
    guard axes.sorted() == Array(0..<rank) else {
      throw Fault("bad-axis", "\(shapeText(axes)) is not an order of the axes 0 to \(rank - 1)")
    }
  }

  /// The shape of a convolution of images with weights.
  public static func conv2dShape(_ input: [Int], _ weight: [Int], _ g: ConvGeometry) throws -> [Int] {
    let c = try Convolution(input: input, weight: weight, g)
    return [c.n, c.oc, c.oh, c.ow]
  }

  // MARK: Words

  /// Of two shapes an axis of size `x` meets one of size `y`.
  public static func doNotBroadcast(_ a: String, _ b: String, _ x: Int, _ y: Int) -> Fault {
    Fault("shape-mismatch", "shapes \(a) and \(b) do not broadcast: \(x) meets \(y)", operands: [0: a, 1: b])
  }

  public static func doesNotBroadcast(_ shape: String, to target: String) -> Fault {
    Fault("shape-mismatch", "shape \(shape) does not broadcast to \(target)")
  }

  public static func doNotConcatenate(_ a: String, _ b: String, axis: Int) -> Fault {
    Fault("shape-mismatch", "shapes \(a) and \(b) do not concatenate along axis \(axis)")
  }

  public static func doNotConcatenate(_ a: DType, _ b: DType) -> Fault {
    Fault("dtype-mismatch", "a \(a.name) tensor is concatenated with a \(b.name) tensor")
  }

  public static func doNotGather(_ shape: String, _ indices: String, axis: Int) -> Fault {
    Fault(
      "shape-mismatch", "indices of shape \(indices) do not gather from shape \(shape) along axis \(axis)",
      operands: [0: shape, 1: indices])
  }

  public static func noAxis(_ axis: Int, _ shape: String, _ rank: Int) -> Fault {
    Fault("bad-axis", "axis \(axis) of a tensor of shape \(shape), which has \(rank)")
  }
}
