// How tensors are shown: a number as a number, small ones whole, large ones as a summary and their corners.
import SeepLanguage
import Tensors

enum TensorDisplay {
  /// Elements shown whole; beyond, the ends of every axis.
  static let wholeLimit = 200

  /// As `print` shows it.
  static func text(_ tensor: Tensor, _ style: DisplayStyle) -> String {
    if tensor.rank == 0 { return element(tensor) }
    if style == .short, tensor.size > 8 { return "tensor \(tensor.dtype.name) \(written(tensor.shape))" }
    return tensor.size <= wholeLimit ? body(tensor) : summary(tensor) + "\n" + body(tensor)
  }

  /// As the prompt shows it: the summary line stands above every tensor that has axes.
  static func promptText(_ tensor: Tensor) -> String {
    tensor.rank == 0 ? element(tensor) : summary(tensor) + (tensor.size == 0 ? "" : "\n" + body(tensor))
  }

  /// The elements, those of a large tensor abbreviated.
  static func body(_ tensor: Tensor) -> String { rows(tensor, indent: 1, isWhole: tensor.size <= wholeLimit) }

  /// One element in at most four digits where it is a float.
  static func brief(_ value: Double, _ dtype: DType) -> String {
    dtype.isFloat && value.isFinite ? brief(value) : number(value, dtype)
  }

  /// dtype, shape, range, mean, and how many elements are not numbers, or infinite: those have no part in the range and the mean.
  static func summary(_ tensor: Tensor) -> String {
    let head = "tensor \(tensor.dtype.name) \(written(tensor.shape))"
    if tensor.size == 0 { return head + ", empty" }
    guard let found = try? tensor.statistics() else { return head }
    if tensor.dtype == .bool { return head + ", \(Int(found.sum)) true" }
    var text = head
    if found.finiteCount > 0 {
      text += ", \(brief(found.low, tensor.dtype)) … \(brief(found.high, tensor.dtype)), mean \(brief(found.mean))"
    }
    if found.nans > 0 { text += ", \(found.nans) nan" }
    if found.infinities > 0 { text += ", \(found.infinities) inf" }
    return text
  }

  private static func element(_ tensor: Tensor) -> String {
    // Not by way of a float, which has no room for all whole numbers.
    if tensor.dtype == .int64 { return (try? tensor.integers().first).map { "\($0)" } ?? "?" }
    guard let value = try? tensor.item() else { return "?" }
    return number(value, tensor.dtype)
  }

  static func number(_ value: Double, _ dtype: DType) -> String {
    switch dtype {
    case .float32, .float64: value.isNaN ? "nan" : dtype == .float32 ? "\(Float(value))" : "\(value)"
    case .int64: Int(exactly: value).map { "\($0)" } ?? "\(value)"
    case .bool: value != 0 ? "true" : "false"
    }
  }

  /// A float in so many significant digits.
  static func brief(_ value: Double, digits: Int = 4) -> String {
    if value == 0 || !value.isFinite { return value == 0 ? "0" : number(value, .float64) }
    var exponent = 0
    var mantissa = abs(value)
    while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    var scale = 1.0
    for _ in 1..<digits { scale *= 10 }
    // A whole number of the last digit shown, so that one division gives the nearest float.
    var whole = (mantissa * scale).rounded()
    if whole >= 10 * scale { (whole, exponent) = (whole / 10, exponent + 1) }
    let sign = value < 0 ? -1.0 : 1.0
    guard (-4...5).contains(exponent) else { return "\(sign * whole / scale)e\(exponent)" }
    var power = 1.0
    for _ in 0..<abs(exponent) { power *= 10 }
    return "\(sign * (exponent < 0 ? whole / (power * scale) : whole * power / scale))"
  }

  /// Elements kept at each end of an abbreviated axis: three of the last two axes, one of those before.
  private static func edge(_ tensor: Tensor) -> Int { tensor.rank > 2 ? 1 : 3 }

  private static func rows(_ tensor: Tensor, indent: Int, isWhole: Bool) -> String {
    guard tensor.rank > 0 else {
      return isWhole ? element(tensor) : (try? tensor.item()).map { brief($0, tensor.dtype) } ?? "?"
    }
    let (count, edge) = (tensor.shape[0], edge(tensor))
    let isCut = !isWhole && count > 2 * edge
    let shown = isCut ? Array(0..<edge) + Array(count - edge..<count) : Array(0..<count)
    var parts: [String] = []
    for (place, index) in shown.enumerated() {
      if isCut, place == edge { parts.append("…") }
      guard let item = try? tensor.select(axis: 0, index: index) else { continue }
      parts.append(rows(item, indent: indent + 1, isWhole: isWhole))
    }
    let isOneLine = tensor.rank == 1 || isWhole && tensor.size <= 12
    return "[" + parts.joined(separator: isOneLine ? ", " : ",\n" + String(repeating: " ", count: indent)) + "]"
  }
}
