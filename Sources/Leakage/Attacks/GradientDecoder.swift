// The network that `lti` trains, and what it is trained on.
import Autodiff
import Ground
import Networks
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What a client would send for public images, as rows of numbers, with the images.
struct Rehearsals {
  let sketch: GradientSketch
  /// `[draws, features]`, as the sketch gives them.
  let rows: Tensor
  /// `[draws, images, pixels]`.
  let targets: Tensor
  let shape: [Int]

  init(
    _ attack: LearnedInversion, _ seen: Update, _ model: Model, _ defense: (any Defense)?, _ progress: any ProgressSink
  ) throws {
    let key = RandomKey(seed: attack.seed).derive("lti")
    let count = attack.imageLabels.count
    let batch = seen.examples
    sketch = GradientSketch(
      size: seen.size, features: attack.features, seed: UInt64(truncatingIfNeeded: attack.seed))
    shape = Array(attack.images.shape.dropFirst())
    var stream = RandomStream(key.derive("images"))
    var order: [Int] = []
    var rows: [Float] = []
    var pixels: [Tensor] = []
    rows.reserveCapacity(attack.draws * sketch.features)
    for draw in 0..<attack.draws {
      try Interrupt.check()
      while order.count < batch { order += stream.permutation(count) }
      let places = Array(order.prefix(batch))
      order.removeFirst(batch)
      let images = try attack.images.indexSelect(axis: 0, labelTensor(places)).converted(to: model.dtype)
      let labels = try labelTensor(places.map { attack.imageLabels[$0] })
      let sent = try share(
        model, images, labels, defense: defense, mode: seen.mode, key: key.derive("share").derive(draw))
      rows += try sketch.row(of: sent.tensors)
      pixels.append(try images.reshape([1, batch, images.size / batch]))
      if draw % 50 == 0 {
        progress.report(ProgressReport(attack.written, done: draw, total: attack.draws, remark: "playing the client"))
      }
    }
    self.rows = try Tensor(rows, shape: [attack.draws, sketch.features])
    targets = try Tensor.concat(pixels, axis: 0).converted(to: .float32)
  }
}

/// A gradient as a row of at most so many numbers: each entry is added, with a random sign, to a random place, which on average keeps
/// lengths and angles (count sketch). The row is scaled to one length, which is added as a logarithm.
struct GradientSketch {
  /// Numbers in a row.
  let features: Int
  private let places: [Int32]
  private let signs: [Float]

  init(size: Int, features: Int, seed: UInt64) {
    let width = min(size, features)
    self.features = width + 1
    if size <= width {
      places = (0..<Int32(size)).map { $0 }
      signs = [Float](repeating: 1, count: size)
    } else {
      var stream = RandomStream(RandomKey(seed: Int(truncatingIfNeeded: seed)).derive("sketch"))
      var drawnPlaces = [Int32](repeating: 0, count: size)
      var drawnSigns = [Float](repeating: 1, count: size)
      for i in 0..<size {
        let word = stream.next()
        drawnPlaces[i] = Int32(truncatingIfNeeded: (word >> 1) % UInt64(width))
        if word & 1 == 1 { drawnSigns[i] = -1 }
      }
      (places, signs) = (drawnPlaces, drawnSigns)
    }
  }

  func row(of tensors: [Tensor]) throws -> [Float] {
    var row = [Float](repeating: 0, count: features)
    var at = 0
    for tensor in tensors {
      let values = try tensor.converted(to: .float32).floats()
      for value in values where at < places.count {
        row[Int(places[at])] += signs[at] * (value.isFinite ? value : 0)
        at += 1
      }
    }
    let length = row.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    if length > 0 { for i in row.indices { row[i] = Float(Double(row[i]) / length) } }
    row[features - 1] = Float(log(max(length, 1e-30)))
    return row
  }
}

/// A trained decoder of gradients.
struct GradientDecoder: @unchecked Sendable {
  private var network: Model
  private let sketch: GradientSketch
  private let mean: Tensor
  private let scale: Tensor
  private let shape: [Int]
  private let batch: Int
  /// Mean squared error per pixel on draws that did not train it, best over the epochs.
  private(set) var loss = Double.infinity
  private(set) var history: [Double] = []
  private(set) var interrupted = false

  init(_ attack: LearnedInversion, _ data: Rehearsals, _ progress: any ProgressSink) throws {
    let key = RandomKey(seed: attack.seed).derive("lti").derive("decoder")
    (sketch, shape, batch) = (data.sketch, data.shape, data.targets.shape[1])
    let (count, width) = (data.rows.shape[0], data.rows.shape[1])
    let kept = max(1, count / 10)
    let (training, pixels) = (count - kept, data.targets.shape[2])

    let known = try data.rows.slice(axis: 0, from: 0, to: training)
    mean = try known.reduce(.mean, axes: [0], keep: true)
    let spread = try Tensor.combine(.sub, known, mean).map(.square).reduce(.mean, axes: [0], keep: true).map(.sqrt)
    scale = try Tensor.combine(.add, spread, 1e-8)
    let rows = try Tensor.combine(.div, Tensor.combine(.sub, data.rows, mean), scale)

    let layers: [any Layer] = [
      try Dense(attack.hidden), Activation.relu, try Dense(attack.hidden), Activation.relu,
      try Dense(batch * pixels), Activation.sigmoid,
    ]
    var model = Model(layers, key: key)
    try model.build(for: [width])
    network = model
    var best = model
    var optimiser = Adam(rate: attack.rate)
    let size = min(64, training)
    let steps = training / size
    let judged = (
      try rows.slice(axis: 0, from: training, to: count), try data.targets.slice(axis: 0, from: training, to: count)
    )
    let reason = try untilStopped {
      for epoch in 0..<attack.epochs {
        var stream = RandomStream(key.derive("order").derive(epoch))
        let order = stream.permutation(training)
        for step in 0..<steps {
          try Interrupt.check()
          let places = try labelTensor(Array(order[step * size..<(step + 1) * size]))
          let leaves = try model.parameters.watched()
          let made = try model.forward(Variable(rows.indexSelect(axis: 0, places)), parameters: leaves).output
            .reshape([size, batch, pixels])
          let wanted = try matched(data.targets.indexSelect(axis: 0, places), to: made.value)
          let slopes = try gradients(
            of: (made - Variable(wanted)).square().mean(), wrt: leaves.values, recording: false)
          optimiser.rate = RateShape.cosine.over(attack.epochs * steps).rate(attack.rate, at: epoch * steps + step)
          let next = try optimiser.step(
            model.parameters.tensors, zip(leaves.values, slopes).map { try $1?.value ?? .zeros($0.shape) })
          model = try model.with(values: next)
          progress.report(
            ProgressReport(
              attack.written, done: epoch * steps + step + 1, total: attack.epochs * steps,
              remark: "learning, error \(short(loss))"))
        }
        let made = try model.forward(Variable(judged.0)).output.value.reshape(judged.1.shape)
        let error = try Tensor.combine(.sub, made, matched(judged.1, to: made)).map(.square).reduce(
          .mean, axes: [0, 1, 2], keep: false
        ).doubles()[0]
        if error < loss { (loss, best) = (error, model) }
        history.append(loss)
      }
      return "budget"
    }
    interrupted = reason == "interrupted"
    if interrupted, history.isEmpty { throw Fault.interrupted }
    network = best
  }

  /// `[batch] + shape`.
  func images(of tensors: [Tensor]) throws -> Tensor {
    let row = try Tensor(sketch.row(of: tensors), shape: [1, sketch.features])
    let scaled = try Tensor.combine(.div, Tensor.combine(.sub, row, mean), scale)
    return try network.forward(Variable(scaled)).output.value.reshape([batch] + shape)
  }

  /// The images of each row in the order in which they are nearest to those made.
  private func matched(_ wanted: Tensor, to made: Tensor) throws -> Tensor {
    let (rows, count, pixels) = (wanted.shape[0], wanted.shape[1], wanted.shape[2])
    if count == 1 { return wanted }
    let (a, b) = (try wanted.floats(), try made.floats())
    var order: [Int] = []
    for row in 0..<rows {
      let cost = (0..<count).map { i in
        (0..<count).map { j in
          var sum: Float = 0
          let (from, to) = ((row * count + j) * pixels, (row * count + i) * pixels)
          for p in 0..<pixels { sum += (a[from + p] - b[to + p]) * (a[from + p] - b[to + p]) }
          return Double(sum)
        }
      }
      order += try leastCostAssignment(cost).map { row * count + $0 }
    }
    return try wanted.reshape([rows * count, pixels]).indexSelect(axis: 0, labelTensor(order)).reshape(wanted.shape)
  }
}
