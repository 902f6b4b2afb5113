// Training: it learns, it is repeatable to the bit, it stops when asked.
import Autodiff
import Ground
import Networks
import Tensors
import Testing

@Suite struct TrainingTests {
  private let key = RandomKeyForTests

  /// Three classes of 8×8 images: a bright row at one of three heights in noise.
  private func stripes(_ count: Int, _ key: RandomKey) throws -> (images: Tensor, labels: Tensor) {
    let noise = try Tensor.uniform([count, 1, 8, 8], key: key).floats()
    var pixels = noise.map { $0 * 0.8 }
    let labels = (0..<count).map { Int64($0 % 3) }
    for (image, label) in labels.enumerated() {
      for column in 0..<8 { pixels[image * 64 + (1 + 2 * Int(label)) * 8 + column] += 0.5 }
    }
    return (try Tensor(pixels, shape: [count, 1, 8, 8]), try Tensor(labels, shape: [count]))
  }

  private func model() throws -> Model {
    Model(
      [
        try Conv(4, kernel: 3, pad: 1), BatchNorm(), Activation.relu, try Pool(.max, 2), Flatten(), try Dropout(0.1),
        try Dense(3),
      ], key: key)
  }

  @Test func learnsAndRepeats() throws {
    let (images, labels) = try stripes(120, key)
    let (testImages, testLabels) = try stripes(60, key.derive("test"))
    let options = TrainingOptions(epochs: 6, batch: 16, optimiser: Adam(rate: 0.01))
    var seen: [Double] = []
    let training = try model().trained(on: images, labels: labels, options: options, key: key) { _, _, loss in
      seen.append(loss)
    }
    #expect(training.losses == seen && seen.count == 6)
    #expect(training.losses[5] < 0.5 * training.losses[0])
    #expect(try training.model.accuracy(on: testImages, labels: testLabels) > 0.9)
    #expect(try model().accuracy(on: testImages, labels: testLabels) < 0.7)
    let mean = try #require(try training.model.buffers["batch_norm1.running_mean"]).value.floats()
    #expect(mean.contains { abs($0) > 1e-3 }, "running statistics moved")

    let again = try model().trained(on: images, labels: labels, options: options, key: key)
    for (a, b) in zip(try training.model.allValues.tensors, try again.model.allValues.tensors) {
      #expect(try a.floats().map(\.bitPattern) == b.floats().map(\.bitPattern))
    }
    let other = try model().trained(on: images, labels: labels, options: options, key: RandomKey(seed: 3))
    #expect(other.losses != training.losses)
    let whole = try training.model.predict(testImages, batch: 60).floats()
    let pieces = try training.model.predict(testImages, batch: 7).floats()
    #expect(zip(whole, pieces).allSatisfy { abs($0 - $1) < 1e-4 })
  }

  @Test func mistakes() throws {
    let (images, labels) = try stripes(6, key)
    let model = try model()
    let options = TrainingOptions(epochs: 1, batch: 4)
    #expect(throws: Fault.self) {
      try model.trained(on: images, labels: labels.slice(axis: 0, from: 0, to: 5), options: options, key: key)
    }
    #expect(throws: Fault.self) {
      try model.trained(on: images, labels: labels, options: TrainingOptions(epochs: 0), key: key)
    }
    #expect(throws: Fault.self) { try model.accuracy(on: images, labels: Tensor.zeros([6, 1], .int64)) }
    Interrupt.request()
    defer { Interrupt.clear() }
    #expect(throws: Fault.interrupted) { try model.trained(on: images, labels: labels, options: options, key: key) }
    Interrupt.clear()
    let wild = TrainingOptions(epochs: 40, batch: 6, optimiser: SGD(rate: 1e38))
    do {
      _ = try Model([Flatten(), try Dense(3)], key: key).trained(on: images, labels: labels, options: wild, key: key)
      Issue.record("a diverging training went on")
    } catch let fault as Fault {
      #expect(fault.code == "not-finite")
    }
  }
}
