// Gradients of one parameter for many candidates at once, without keeping them all: what gradient matching without derivatives asks
// of a layer. A candidate is a group of examples, and its gradient the mean of theirs.
import Autodiff
import Ground
import Tensors

/// The gradients of one parameter, one for each candidate, to be asked for sums or for each in turn.
public protocol GradientSource {
  var candidates: Int { get }
  /// Elements of one gradient.
  var count: Int { get }
  /// Whether sums cost much less than the gradients themselves.
  var hasCheapSums: Bool { get }
  /// ‖gᵢ‖² of every candidate.
  func squares() throws -> [Double]
  /// ⟨gᵢ, target⟩ of every candidate.
  func products(_ target: Tensor) throws -> [Double]
  /// Calls `body` with each gradient in row-major order, on any thread. The memory is lent for the call.
  func forEach(_ body: (_ candidate: Int, UnsafeMutablePointer<Float>) throws -> Void) throws
}

/// Gradients that are small enough to be kept: biases, normalisations, and layers that know no better.
struct KeptGradients: GradientSource {
  /// `[candidates, count]`.
  private let rows: Tensor

  /// - Parameter perExample: `[candidates · group] + shape`.
  init(_ perExample: Tensor, group: Int) throws {
    let n = perExample.shape[0]
    let flat = try perExample.reshape([n / group, group, perExample.size / max(n, 1)])
    rows = try (group == 1 ? flat.squeeze(axis: 1) : flat.reduce(.mean, axes: [1])).contiguous()
  }

  var candidates: Int { rows.shape[0] }
  var count: Int { rows.shape[1] }
  var hasCheapSums: Bool { false }

  func squares() throws -> [Double] { try rows.map(.square).reduce(.sum, axes: [1]).doubles() }

  func products(_ target: Tensor) throws -> [Double] {
    try Tensor.combine(.mul, rows, target.reshape([1, count])).reduce(.sum, axes: [1]).doubles()
  }

  func forEach(_ body: (Int, UnsafeMutablePointer<Float>) throws -> Void) throws {
    try rows.withFloats { all in
      guard let base = all.baseAddress else { return }
      for i in 0..<candidates { try body(i, UnsafeMutablePointer(mutating: base + i * count)) }
    }
  }
}

/// A convolution's weight.
struct ConvolutionWeightGradients: GradientSource {
  let gradients: ConvolutionGradients
  /// 1 / examples of a candidate.
  let scale: Double

  init(_ x: Tensor, _ gy: Tensor, kernel: Int, _ geometry: ConvGeometry, group: Int) throws {
    gradients = try ConvolutionGradients(x, gy, kernel: (kernel, kernel), geometry, group: group)
    scale = 1 / Double(group)
  }

  var candidates: Int { gradients.candidates }
  var count: Int { gradients.count }
  var hasCheapSums: Bool { gradients.prefersGram }

  func squares() throws -> [Double] { try gradients.squaresByGram().map { $0 * scale * scale } }
  func products(_ target: Tensor) throws -> [Double] { try gradients.products(target).map { $0 * scale } }

  func forEach(_ body: (Int, UnsafeMutablePointer<Float>) throws -> Void) throws {
    try gradients.forEach { i, g in
      if scale != 1 {
        let factor = Float(scale)
        for j in 0..<count { g[j] *= factor }
      }
      try body(i, g)
    }
  }
}

/// A dense layer's weight: Σ dₖ ⊗ aₖ over a candidate's examples.
struct OuterGradients: GradientSource {
  /// `[candidates, group, features]` each.
  private let outputs: Tensor
  private let inputs: Tensor
  private let scale: Double

  init(_ outputGradient: Tensor, _ input: Tensor, group: Int) throws {
    let n = input.shape[0] / group
    outputs = try outputGradient.reshape([n, group, outputGradient.shape[1]]).contiguous()
    inputs = try input.reshape([n, group, input.shape[1]]).contiguous()
    scale = 1 / Double(group)
  }

  var candidates: Int { inputs.shape[0] }
  var count: Int { inputs.shape[2] * outputs.shape[2] }
  var hasCheapSums: Bool { true }

  /// Σ over pairs of examples of ⟨dₖ, dₗ⟩⟨aₖ, aₗ⟩.
  func squares() throws -> [Double] {
    let d = try Tensor.matmul(outputs, outputs.transposed())
    let a = try Tensor.matmul(inputs, inputs.transposed())
    return try Tensor.combine(.mul, d, a).reduce(.sum, axes: [1, 2]).doubles().map { max(0, $0 * scale * scale) }
  }

  func products(_ target: Tensor) throws -> [Double] {
    let n = inputs.shape[0] * inputs.shape[1]
    let through = try Tensor.matmul(inputs.reshape([n, inputs.shape[2]]), target.transposed())
    let flat = try outputs.reshape([n, outputs.shape[2]])
    let sums = try Tensor.combine(.mul, through, flat).reshape([candidates, n / max(candidates, 1) * outputs.shape[2]])
    return try sums.reduce(.sum, axes: [1]).doubles().map { $0 * scale }
  }

  func forEach(_ body: (Int, UnsafeMutablePointer<Float>) throws -> Void) throws {
    let grain = max(1, (1 << 16) / max(count, 1))
    try Threads.run(pieces: (candidates + grain - 1) / grain) { piece in
      for i in piece * grain..<min(candidates, (piece + 1) * grain) {
        let d = try outputs.select(axis: 0, index: i)
        let product = try Tensor.combine(
          .mul, Tensor.matmul(d.transposed(), inputs.select(axis: 0, index: i)), scale)
        try product.withFloats { memory in
          if let base = memory.baseAddress { try body(i, UnsafeMutablePointer(mutating: base)) }
        }
      }
    }
  }
}

extension Model.Pass {
  /// The gradients of one tapped layer's parameters, in the order it declared them, of the mean over each candidate's examples.
  func sources(_ tap: Tap, outputGradient: Variable, group: Int) throws -> [any GradientSource] {
    try at(tap) { scope in
      try tap.layer.gradientSources(input: tap.input.value, outputGradient: outputGradient.value, group: group, scope)
    }
  }
}

extension Model {
  /// The gradients of all parameters, in order, for candidates of `group` examples each; batch normalisation in eval mode.
  /// - Returns: for every parameter its gradients, which may be asked until the next pass.
  public func gradientSources(_ x: Variable, _ labels: Labels, group: Int = 1) throws -> [any GradientSource] {
    let tapped = try tappedGradients(x, labels)
    var result = [(any GradientSource)?](repeating: nil, count: try parameters.count)
    for (tap, outputGradient) in tapped.layers {
      let own = try withoutRecording { try tapped.pass.sources(tap, outputGradient: outputGradient, group: group) }
      for (index, source) in zip(tap.slot.parameters, own) { result[index] = source }
    }
    return result.compactMap { $0 }
  }
}
