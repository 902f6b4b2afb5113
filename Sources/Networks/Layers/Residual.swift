// residual(main, shortcut): the sum of two ways through (He et al. 2016), the second by default the input itself.
import Autodiff
import Ground
import Tensors

/// `residual(conv(64, kernel: 3, pad: 1) >> batch_norm >> relu >> conv(64, kernel: 3, pad: 1) >> batch_norm)`.
public struct Residual: Layer {
  public let main: [any Layer]
  /// Empty: the input as it is.
  public let shortcut: [any Layer]

  public init(_ main: [any Layer], shortcut: [any Layer] = []) {
    self.main = main
    self.shortcut = shortcut
  }

  public var kind: String { "residual" }
  public var exampleRank: Int? { (main + shortcut).lazy.compactMap(\.exampleRank).first }
  public var written: String {
    let way = { (layers: [any Layer]) in layers.map(\.written).joined(separator: " >> ") }
    return "residual(\(way(main))\(shortcut.isEmpty ? "" : ", shortcut: \(way(shortcut))"))"
  }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    let output = try main.reduce(input) { try builder.visit($1, input: $0) }
    let aside = try builder.inside("shortcut") { builder in
      try shortcut.reduce(input) { try builder.visit($1, input: $0) }
    }
    guard output == aside else {
      throw builder.refuse(
        input, needs: "both ways to end in one shape, and they give \(output) and \(aside)",
        help: shortcut.isEmpty && output.count == 3 && aside.count == 3
          ? "residual(…, shortcut: conv(\(output[0]), kernel: 1, stride: \(max(1, aside[1] / max(output[1], 1)))))"
          : nil)
    }
    return output
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    let y = try main.reduce(x) { try scope.apply($1, $0) }
    return try y + shortcut.reduce(x) { try scope.apply($1, $0) }
  }
}
