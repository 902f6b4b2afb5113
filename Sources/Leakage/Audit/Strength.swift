// Strengths of defenses that mean something: clipping as a share of the victim's usual gradient, noise as the difference between two
// clients' gradients that it hides.
import Ground
import Networks
import Tensors

/// Norms of the clients' gradients, one for each example.
public func gradientNorms(_ model: Model, _ images: Tensor, _ labels: [Int], of places: [Int]) throws -> [Double] {
  try places.map { try clientUpdate(model, images, labels, [$0], defense: nil, key: RandomKey(seed: 0)).norm }
}

/// ‖g(x) − g(x′)‖ for each example x, with x′ the nearest other image of its class.
public func neighbourDistances(_ model: Model, _ images: Tensor, _ labels: [Int], of places: [Int]) throws -> [Double] {
  try places.map { place in
    let other = try nearestOfClass(images, labels, to: place)
    return try gradientDistance(model, images, labels, place, other, defense: nil, key: RandomKey(seed: 0))
  }
}

/// μ = ‖g(x) − g(x′)‖ / σ: how far apart the updates of x and of the nearest other image of its class are, in deviations of the noise
/// that the defense adds to an entry. An attacker who must say which of the two was sent is right with probability Φ(μ/2). What comes
/// before the noise shrinks the distance (clipping); what comes after it cannot enlarge μ.
///
/// - Returns: nil where the defense adds no noise, or no other image has the class.
public func discriminability(
  _ model: Model, _ images: Tensor, _ labels: [Int], _ place: Int, defense: any Defense, local: LocalSteps? = nil,
  key: RandomKey
) throws -> Double? {
  guard let last = defense.members.lastIndex(where: { $0.noiseVariance(1) > 0 }),
    let other = try? nearestOfClass(images, labels, to: place)
  else { return nil }
  let noisy = Array(defense.members[...last])
  let deviation = noisy.reduce(0) { $0 + $1.noiseVariance(1) }.squareRoot()
  // The same draws for both: the noise cancels, and what is left is the distance of what it was added to.
  return try gradientDistance(model, images, labels, place, other, defense: Chain(noisy), local: local, key: key)
    / deviation
}

/// The middle of some numbers: the mean of the middle two of an even count.
/// - Throws: `empty`.
public func median(_ values: [Double]) throws -> Double {
  guard !values.isEmpty else { throw Fault("empty", "there are no numbers to take the median of") }
  return percentile(sorted: values.sorted(), 50)
}

/// The other image of the same class with the smallest squared difference.
/// - Throws: `no-such-class`.
func nearestOfClass(_ images: Tensor, _ labels: [Int], to place: Int) throws -> Int {
  let own = try images.select(axis: 0, index: place).floats()
  var best: (place: Int, distance: Float)?
  for other in labels.indices where labels[other] == labels[place] && other != place {
    let pixels = try images.select(axis: 0, index: other).floats()
    let distance = zip(own, pixels).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    if distance < best?.distance ?? .infinity { best = (other, distance) }
  }
  guard let best else { throw Fault("no-such-class", "no other image has the label \(labels[place])") }
  return best.place
}

/// What a client with these examples sends: a gradient, or what several steps changed.
func clientUpdate(
  _ model: Model, _ images: Tensor, _ labels: [Int], _ places: [Int], defense: (any Defense)?, local: LocalSteps? = nil,
  key: RandomKey
) throws -> Update {
  let (x, y) = (try images.indexSelect(axis: 0, labelTensor(places)), try labelTensor(places.map { labels[$0] }))
  guard let local else { return try share(model, x, y, defense: defense, key: key) }
  return try localUpdate(
    model, x, y, steps: local.steps, lr: local.rate, batch: local.batch, defense: defense, key: key)
}

private func gradientDistance(
  _ model: Model, _ images: Tensor, _ labels: [Int], _ a: Int, _ b: Int, defense: (any Defense)?,
  local: LocalSteps? = nil, key: RandomKey
) throws -> Double {
  let first = try clientUpdate(model, images, labels, [a], defense: defense, local: local, key: key)
  return try (first - clientUpdate(model, images, labels, [b], defense: defense, local: local, key: key)).norm
}

/// Whether clipping changes what is sent of these examples; nil where the defense does not clip.
func clippingBinds(
  _ model: Model, _ images: Tensor, _ labels: [Int], _ places: [Int], defense: any Defense, local: LocalSteps? = nil,
  key: RandomKey
) throws -> Bool? {
  var binds: Bool?
  for (index, member) in defense.members.enumerated() {
    guard let clip = member as? Clip ?? (member as? DifferentialPrivacy)?.clip else { continue }
    let before = index == 0 ? nil : Chain(Array(defense.members[..<index]))
    for part in clip.scope == .example ? places.map({ [$0] }) : [places] {
      let reached = try clientUpdate(
        model, images, labels, part, defense: before, local: clip.scope == .example ? nil : local, key: key)
      binds = try binds == true || clip.changes(reached.tensors)
    }
  }
  return binds
}

extension Clip {
  /// Whether something is longer than the bound.
  func changes(_ tensors: [Tensor]) throws -> Bool {
    try scope == .layer ? tensors.contains { try length([$0]) > bound } : length(tensors) > bound
  }
}
