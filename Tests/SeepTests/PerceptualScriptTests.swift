// LPIPS from a program: weights in a file, and the same number from a composition of layers.
import Foundation
import SeepLanguage
import SeepLibrary
import Testing

@Suite("lpips from a program", .serialized) struct PerceptualScriptTests {
  private static let program = ##"""
    seed(5)
    let taps = [
      conv(64, kernel: 11, stride: 4, pad: 2) >> relu,
      max_pool(3, stride: 2) >> conv(192, kernel: 5, pad: 2) >> relu,
      max_pool(3, stride: 2) >> conv(384, kernel: 3, pad: 1) >> relu,
      conv(256, kernel: 3, pad: 1) >> relu,
      conv(256, kernel: 3, pad: 1) >> relu,
    ]
    let path = "PATH"
    let places = [0, 3, 6, 8, 10]
    let (a, b) = (rand(2, 3, 40, 48), rand(2, 3, 40, 48))
    let shift = tensor([-0.030, -0.088, -0.188]).reshape(3, 1, 1)
    let scale = tensor([0.458, 0.448, 0.450]).reshape(3, 1, 1)
    fn unit(x) { x / (norm(x, axis: 1, keep: true) + 1e-10) }
    var (p, q) = ((2 * a - 1 - shift) / scale, (2 * b - 1 - shift) / scale)
    var total = zeros(2)
    var weights = {}
    for (i, tap) in enumerate(taps) {
      p = tap(p)
      q = tap(q)
      let head = rand(1, p.shape[1], 1, 1)
      total = total + mean(sum((unit(p) - unit(q))^2 * head, axis: 1), axis: [1, 2])
      weights["features.{places[i]}.weight"] = tap.params["conv1.weight"]
      weights["features.{places[i]}.bias"] = tap.params["conv1.bias"]
      weights["lin{i}.model.1.weight"] = head
    }
    save(weights, path)
    print(max(abs(lpips(a, b, backbone: "alex", weights: path, each: true) - total)) < 1e-5 * max(total))  # expect: true
    print(lpips(a, a, backbone: "alex", weights: [path]))  # expect: 0.0
    print(abs(lpips(2 * a - 1, 2 * b - 1, backbone: "alex", weights: path, unit: false) - mean(total)) < 1e-4)  # expect: true
    print(grad(x => lpips(x, b, backbone: "alex", weights: path))(a).shape)  # expect: [2, 3, 40, 48]
    try { lpips(a, b, weights: path) } catch e { print(replace(e.message, path, "alex.safetensors")) }  # expect: alex.safetensors has no features.2.weight, which lpips with vgg needs
    try { lpips(a[:, :, 0..20], b[:, :, 0..20], backbone: "alex", weights: path) } catch e { print(e.message) }  # expect: lpips with alex needs sides of at least 31 pixels, and the shorter is 20
    """##

  @Test("random weights of alex, against layers") func alex() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("seep-alex-\(getpid()).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let report = ScriptRunner.run(
      PerceptualScriptTests.program.replacingOccurrences(of: "PATH", with: path), name: "lpips", folder: nil,
      session: { Session(library: SeepLibrary.library) })
    for problem in report.problems { Issue.record("\(problem)") }
    #expect(report.passed == 6)
  }
}
