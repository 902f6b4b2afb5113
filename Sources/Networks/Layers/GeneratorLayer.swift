// A generator with fixed weights as a layer of a model, so that priors and compositions take it like any other.
import Autodiff
import Ground
import Tensors

/// BigGAN-deep from `[z, class weights]` side by side to images; without parameters of its own to train.
public struct BigGANDeepLayer: Layer {
  public let generator: BigGANDeep
  /// Images in 0…1 instead of the generator's own −1…1.
  public let unitRange: Bool
  /// Pixels along a side, brought there by area averaging; nil: the generator's own.
  public let size: Int?

  /// - Throws: `bad-argument` for a size that is not positive.
  public init(_ generator: BigGANDeep, unitRange: Bool = true, size: Int? = nil) throws {
    if let size { try require("biggan_deep", positive: ["size": size]) }
    self.generator = generator
    self.unitRange = unitRange
    self.size = size
  }

  public var kind: String { "biggan_deep" }
  public var written: String { "biggan_deep(truncation: \(generator.truncation))" }
  public var exampleRank: Int? { 1 }

  public func build(input: [Int], into builder: inout ParameterBuilder) throws -> [Int] {
    let wanted = generator.latent + generator.classes
    guard input == [wanted] else {
      throw builder.refuse(input, needs: "\(generator.latent) latent numbers and \(generator.classes) class weights")
    }
    let pixels = size ?? generator.resolution
    return [3, pixels, pixels]
  }

  public func callAsFunction(_ x: Variable, _ scope: ParameterScope) throws -> Variable {
    let z = try x.slice(axis: 1, from: 0, to: generator.latent)
    let labels = try x.slice(axis: 1, from: generator.latent, to: x.shape[1])
    var images = try generator(z, labels)
    if let size, size != generator.resolution { images = try images.resize(height: size, width: size) }
    return unitRange ? try images * 0.5 + 0.5 : images
  }
}
