// Networks exported by PyTorch's two exporters: the same logits, and parameters under their names.
import Autodiff
import Foundation
import Ground
import Networks
import Tensors
import Testing

@Suite struct OnnxTests {
  let topic: FixtureTopic
  init() throws { topic = try FixtureTopic("files") }

  private func read(_ test: FixtureCase, folded: Bool = true) throws -> Model {
    let path = "\(FixtureTopic.folder)/\(test.params["file"] as? String ?? "")"
    return try Onnx.read(path, folded: folded, key: RandomKey(seed: 0))
  }

  private func cases(corrupt: Bool) -> [FixtureCase] {
    topic.cases.filter { $0.op == "read onnx" && ($0.params["corrupt"] as? Bool ?? false) == corrupt }
  }

  @Test("logits are the reference's, and named parameters its weights") func logits() throws {
    #expect(cases(corrupt: false).count == 7)
    for test in cases(corrupt: false) {
      let model = try read(test)
      let input = try #require(test.inputs.first)
      let y = try model(Variable(topic[input])).value
      let (difference, scale) = try distance(y, topic[test.outputs[0]])
      #expect(
        difference <= (test.number("rtol_max") ?? 0) * scale + (test.number("atol") ?? 0),
        "\(test.name): \(difference) of \(scale)")
      let values = try model.allValues
      let prefix = input.dropLast() + "w."
      var found = 0
      for name in values.names where test.inputs.contains(prefix + name) && test.name.contains("dynamo") == false {
        let value = try #require(values[name]?.value)
        #expect(try distance(value, topic[prefix + name]).difference == 0, "\(test.name) \(name)")
        found += 1
      }
      if test.name.contains("unfolded") || test.name.contains("lenet_legacy") {
        #expect(found == test.inputs.count - 1)
      }
    }
  }

  @Test("a network whose batch normalisation was folded is refused with the line that does not fold") func folding()
    throws
  {
    for test in cases(corrupt: false) {
      let isFolded = test.name.contains("resnet") && !test.name.contains("unfolded")
      if !isFolded {
        _ = try read(test, folded: false)
        continue
      }
      let fault = #expect(throws: Fault.self) { try read(test, folded: false) }
      #expect(
        fault?.code == "folded-batch-norm" && fault?.help?.contains("TrainingMode.PRESERVE") == true, "\(test.name)")
    }
  }

  @Test("damaged files are refused with the file's name and a reason") func damage() throws {
    #expect(cases(corrupt: true).count == 12)
    for test in cases(corrupt: true) {
      let file = test.params["file"] as? String ?? ""
      let fault = #expect(throws: Fault.self, "\(test.name)") { try read(test) }
      #expect(fault?.message.contains(file) == true, "\(test.name): \(fault?.message ?? "")")
    }
  }

  @Test("gradients example by example are those of their sum") func perExample() throws {
    for test in cases(corrupt: false) where !test.name.contains("mlp") {
      let model = try read(test)
      let x = try Variable(topic[try #require(test.inputs.first)])
      let n = x.shape[0]
      let labels = Labels.classes(try Tensor((0..<n).map { Int64($0 % 3) }, shape: [n]))
      let mean = try model.gradient(x, labels)
      let each = try model.perExampleGradients(x, labels)
      for (name, pair) in zip(mean.names, zip(mean.values, each)) {
        let (difference, scale) = try distance(pair.1.mean(axes: [0]).value, pair.0.value)
        #expect(difference <= 1e-5 * scale + 1e-7, "\(test.name) \(name)")
      }
    }
  }

  @Test("a file's fixed batch does not bind, and its graph trains") func otherBatch() throws {
    for test in cases(corrupt: false) {
      let model = try read(test)
      let x = try Variable(topic[try #require(test.inputs.first)])
      let one = try model(x.slice(axis: 0, from: 0, to: 1)).value
      let (difference, scale) = try distance(one, topic[test.outputs[0]].slice(axis: 0, from: 0, to: 1))
      #expect(difference <= 1e-5 * scale + 1e-6, "\(test.name)")
      #expect(model.written.hasPrefix("onnx("))
    }
  }
}

/// Networks of scripts/bench/peer/networks.py, exported by both exporters, with PyTorch's logits and gradients.
@Suite struct OnnxGradientTests {
  static let folder =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path + "/Exported"
  static let names = ["lenet", "resnet18", "mobilenet_v2", "vgg", "mixed"]

  private func compare(_ file: String, _ reference: TensorFile, _ mode: Mode, _ prefix: String) throws {
    let fixed = file.hasPrefix("mixed") ? ["pixel_mean"] : []
    let model = try Onnx.read("\(Self.folder)/\(file).onnx", fixed: fixed, key: RandomKey(seed: 0))
    let x = try Variable(#require(reference["x"]))
    let found = try model.lossAndGradient(x, .classes(#require(reference["y"])), mode: mode)
    if mode == .eval {
      let (difference, scale) = try distance(found.logits.value, #require(reference["logits"]))
      #expect(difference <= 1e-5 * scale, "\(file): logits differ by \(difference) of \(scale)")
    }
    let wanted = reference.names.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    #expect(Set(found.gradient.names) == Set(wanted), "\(file)")
    let largest = try wanted.map {
      try distance(reference[prefix + $0] ?? x.value, reference[prefix + $0] ?? x.value).scale
    }.max()
    for name in wanted {
      let gradient = try #require(found.gradient[name]).value
      let (difference, scale) = try distance(gradient, #require(reference[prefix + name]))
      #expect(
        difference <= 2e-5 * scale + (mode == .eval ? 1e-7 : 1e-6) * (largest ?? 1),
        "\(file): the gradient of \(name) differs by \(difference) of \(scale)")
    }
  }

  @Test("logits and gradients of every parameter are PyTorch's", arguments: names)
  func gradients(name: String) throws {
    let reference = try Safetensors.read("\(Self.folder)/\(name).safetensors")
    for file in [name, "\(name)_dynamo"] { try compare(file, reference, .eval, "gradient.") }
  }

  @Test("in train mode batch normalisation is PyTorch's too") func training() throws {
    let reference = try Safetensors.read("\(Self.folder)/resnet18.safetensors")
    for file in ["resnet18", "resnet18_dynamo"] { try compare(file, reference, .train, "train.") }
  }

  @Test("example by example, the gradients have the mean that was asked for", arguments: names)
  func perExample(name: String) throws {
    let reference = try Safetensors.read("\(Self.folder)/\(name).safetensors")
    for file in [name, "\(name)_dynamo"] {
      let model = try Onnx.read(
        "\(Self.folder)/\(file).onnx", fixed: name == "mixed" ? ["pixel_mean"] : [], key: RandomKey(seed: 0))
      let x = try Variable(#require(reference["x"]))
      let each = try model.perExampleGradients(x, .classes(#require(reference["y"])))
      for (parameter, gradients) in zip(try model.parameters.names, each) {
        let (difference, scale) = try distance(
          gradients.mean(axes: [0]).value, #require(reference["gradient.\(parameter)"]))
        #expect(difference <= 2e-5 * scale + 1e-6, "\(file) \(parameter): \(difference) of \(scale)")
      }
    }
  }
}
