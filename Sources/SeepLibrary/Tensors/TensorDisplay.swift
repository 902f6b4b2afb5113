// How tensors are shown: a number as a number, small ones whole, large ones as a summary and their corners.
import SeepLanguage
import Tensors

enum TensorDisplay {
  /// Elements shown whole; beyond, three from each end of every axis.
  static let wholeLimit = 200
  private static let edge = 3

  static func text(_ tensor: Tensor, _ style: DisplayStyle) -> String {
    if tensor.rank == 0 { return element(tensor) }
    if style == .short, tensor.size > 8 { return "tensor \(tensor.dtype.name) \(written(tensor.shape))" }
    return tensor.size <= wholeLimit ? body(tensor) : summary(tensor) + "\n" + body(tensor)
  }

  /// The elements, those of a large tensor abbreviated.
  static func body(_ tensor: Tensor) -> String { rows(tensor, indent: 1) }

  /// One element in at most four digits where it is a float.
  static func brief(_ value: Double, _ dtype: DType) -> String {
    dtype.isFloat && value.isFinite ? brief(value) : number(value, dtype)
  }

  /// dtype, shape, range, mean, and how many values are not numbers. One pass over the data.
  static func summary(_ tensor: Tensor) -> String {
    let head = "tensor \(tensor.dtype.name) \(written(tensor.shape))"
    guard tensor.size > 0, let values = try? tensor.doubles() else { return head + ", empty" }
    var (low, high, sum, bad) = (Double.infinity, -Double.infinity, 0.0, 0)
    for value in values {
      if value.isFinite {
        low = min(low, value)
        high = max(high, value)
        sum += value
      } else {
        bad += 1
      }
    }
    let count = values.count - bad
    guard count > 0 else { return head + ", \(bad) not finite" }
    let range = "\(brief(low)) … \(brief(high)), mean \(brief(sum / Double(count)))"
    return head + ", " + range + (bad > 0 ? ", \(bad) not finite" : "")
  }

  private static func element(_ tensor: Tensor) -> String {
    guard let value = try? tensor.item() else { return "?" }
    return number(value, tensor.dtype)
  }

  static func number(_ value: Double, _ dtype: DType) -> String {
    switch dtype {
    case .float32: value.isFinite ? "\(Float(value))" : "\(value)"
    case .float64: "\(value)"
    case .int64: "\(Int(exactly: value) ?? 0)"
    case .bool: value != 0 ? "true" : "false"
    }
  }

  private static func brief(_ value: Double) -> String {
    if value == 0 { return "0" }
    let digits = 4
    var exponent = 0
    var mantissa = abs(value)
    while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    var scale = 1.0
    for _ in 1..<digits { scale *= 10 }
    let rounded = (mantissa * scale).rounded() / scale
    if (-4...5).contains(exponent) {
      var power = 1.0
      for _ in 0..<abs(exponent) { power *= 10 }
      let whole = exponent < 0 ? rounded / power : rounded * power
      return "\(value < 0 ? -1 * Float(whole) : Float(whole))"
    }
    return "\(value < 0 ? "-" : "")\(Float(rounded))e\(exponent)"
  }

  private static func rows(_ tensor: Tensor, indent: Int) -> String {
    guard tensor.rank > 0 else { return element(tensor) }
    let count = tensor.shape[0]
    let whole = tensor.size <= wholeLimit || count <= 2 * edge
    let shown = whole ? Array(0..<count) : Array(0..<edge) + Array(count - edge..<count)
    var parts: [String] = []
    for (place, index) in shown.enumerated() {
      if !whole, place == edge { parts.append("…") }
      guard let item = try? tensor.select(axis: 0, index: index) else { continue }
      parts.append(
        tensor.size > wholeLimit && item.rank > 0 ? clipped(item, indent: indent + 1) : rows(item, indent: indent + 1))
    }
    let separator = tensor.rank == 1 ? ", " : ",\n" + String(repeating: " ", count: indent)
    return tensor.rank > 1 && tensor.size <= 12
      ? "[" + parts.joined(separator: ", ") + "]" : "[" + parts.joined(separator: separator) + "]"
  }

  /// A row inside a tensor too large to show whole.
  private static func clipped(_ tensor: Tensor, indent: Int) -> String {
    let count = tensor.shape[0]
    guard count > 2 * edge else { return rows(tensor, indent: indent) }
    var parts: [String] = []
    for index in Array(0..<edge) + Array(count - edge..<count) {
      if parts.count == edge { parts.append("…") }
      guard let item = try? tensor.select(axis: 0, index: index) else { continue }
      parts.append(
        item.rank == 0
          ? (try? item.item()).map { brief($0, tensor.dtype) } ?? "?"
          : clipped(item, indent: indent + 1))
    }
    let separator = tensor.rank == 1 ? ", " : ",\n" + String(repeating: " ", count: indent)
    return "[" + parts.joined(separator: separator) + "]"
  }
}
