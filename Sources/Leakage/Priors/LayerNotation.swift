// Reads `conv(64, kernel: 3) >> relu` back into layers: the notation in which models print and weight files keep them. It is
// data, not code: only the layers below, only numbers.
import Ground
import Networks

/// Layers from their written form.
public enum LayerNotation {
  /// - Throws: `bad-file` naming what cannot be read.
  public static func parse(_ text: String) throws -> [any Layer] {
    try text.split(separator: ">>").map { try layer(String($0)) }
  }

  private static func layer(_ text: String) throws -> any Layer {
    let trimmed = text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
    let word = String(trimmed.prefix { $0 != "(" })
    let inside = trimmed.dropFirst(word.count).dropFirst().dropLast()
    var places: [Double] = []
    var named: [String: Double] = [:]
    for part in inside.split(separator: ",") {
      let pieces = part.split(separator: ":").map { String($0.filter { $0 != " " }) }
      guard let last = pieces.last, let value = Double(last == "false" ? "0" : last == "true" ? "1" : last),
        pieces.count <= 2
      else {
        throw unreadable(text)
      }
      if pieces.count == 2 { named[pieces[0]] = value } else { places.append(value) }
    }
    func whole(_ name: String, _ standard: Int) throws -> Int { try integer(named[name] ?? Double(standard), text) }
    func first() throws -> Int {
      guard let value = places.first else { throw unreadable(text) }
      return try integer(value, text)
    }
    switch word {
    case "dense": return try Dense(first(), bias: named["bias"] != 0)
    case "conv":
      return try Conv(
        first(), kernel: whole("kernel", 0), stride: whole("stride", 1), pad: whole("pad", 0),
        dilation: whole("dilation", 1),
        groups: whole("groups", 1), bias: named["bias"] != 0)
    case "conv_transpose":
      return try ConvTranspose(
        first(), kernel: whole("kernel", 0), stride: whole("stride", 1), pad: whole("pad", 0),
        outputPad: whole("output_pad", 0), bias: named["bias"] != 0)
    case "batch_norm": return BatchNorm(momentum: named["momentum"] ?? 0.1, eps: named["eps"] ?? 1e-5)
    case "reshape": return try Reshape(places.map { try integer($0, text) })
    case "flatten": return Flatten()
    case "max_pool":
      return try Pool(.max, first(), stride: named["stride"] == nil ? nil : whole("stride", 1), pad: whole("pad", 0))
    case "avg_pool":
      return try Pool(
        .average, first(), stride: named["stride"] == nil ? nil : whole("stride", 1), pad: whole("pad", 0))
    case "leaky_relu": return Activation.leakyRelu(slope: places.first ?? named["slope"] ?? 0.01)
    case "elu": return Activation.elu(alpha: places.first ?? named["alpha"] ?? 1)
    default:
      guard places.isEmpty, named.isEmpty, let activation = try? Activation(named: word) else { throw unreadable(text) }
      return activation
    }
  }

  private static func integer(_ value: Double, _ text: String) throws -> Int {
    guard let whole = Int(exactly: value), abs(whole) < 1 << 40 else { throw unreadable(text) }
    return whole
  }

  private static func unreadable(_ text: String) -> Fault {
    Fault("bad-file", "the file describes a layer that cannot be read: \(text.prefix(60))")
  }
}
