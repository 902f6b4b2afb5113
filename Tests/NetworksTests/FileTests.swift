// Every file of Tests/Fixtures/files of a format Seep reads: contents as indexed, or a Fault that names the file.
import Foundation
import Ground
import Networks
import Tensors
import Testing

@Suite struct FileTests {
  let topic: FixtureTopic
  init() throws { topic = try FixtureTopic("files") }

  /// What Seep's reader of the case's format gives, in the order of the case's outputs.
  private func read(_ test: FixtureCase) throws -> [Tensor] {
    let path = "\(FixtureTopic.folder)/\(test.params["file"] as? String ?? "")"
    switch test.op {
    case "read safetensors":
      let file = try Safetensors.read(path)
      let names = test.params["tensor_names"] as? [String] ?? file.names
      return try names.map { try #require(file[$0], "\(path) lacks \($0)") }
    case "read npy": return [try Npy.read(path)]
    case "read npz":
      let file = try Npz.read(path)
      let names = test.params["entries"] as? [String] ?? file.names
      return try names.map { try #require(file[$0], "\(path) lacks \($0)") }
    case "read idx":
      if test.name.contains("label_range") { return [try Idx.labels(path)] }
      if test.name.contains("labels_as_images") { return [try Idx.images(path)] }
      return [try Idx.read(path)]
    case "read cifar10":
      let data = try Cifar.read10(path)
      return [try bytes(data.images), data.labels]
    case "read cifar100":
      let data = try Cifar.read100(path)
      return [try bytes(data.images), try #require(data.coarseLabels), data.labels]
    case "read png":
      let image = try Png.read(path)
      let shape = image.channels == 1 ? [image.height, image.width] : [image.height, image.width, image.channels]
      return [try Tensor(image.samples.map { Int64($0) }, shape: shape)]
    case "read jpeg":
      let image = try Jpeg.read(path)
      let shape = image.channels == 1 ? [image.height, image.width] : [image.height, image.width, image.channels]
      return [try Tensor(image.samples.map { Int64($0) }, shape: shape)]
    default: return []
    }
  }

  /// 0…1 back to 0…255.
  private func bytes(_ images: Tensor) throws -> Tensor {
    try Tensor(images.floats().map { Int64(($0 * 255).rounded()) }, shape: images.shape)
  }

  private func cases(_ op: String, corrupt: Bool) -> [FixtureCase] {
    topic.cases.filter { $0.op == op && ($0.params["corrupt"] as? Bool ?? false) == corrupt }
  }

  private static let operations = [
    "read safetensors", "read npy", "read npz", "read idx", "read cifar10", "read cifar100", "read png",
    "read jpeg",
  ]

  @Test("sound files give the indexed contents", arguments: operations)
  func contents(op: String) throws {
    let tests = cases(op, corrupt: false)
    #expect(!tests.isEmpty)
    for test in tests {
      let found = try read(test)
      let expected = test.outputs.filter { !$0.hasSuffix(".index") }
      #expect(found.count == expected.count, "\(test.name)")
      for (tensor, name) in zip(found, expected) {
        let reference = try topic[name]
        #expect(tensor.shape == reference.shape, "\(test.name) \(name)")
        #expect(
          try distance(tensor, reference).difference <= test.number("max_abs") ?? 0, "\(test.name) \(name)")
        let mean = try zip(tensor.doubles(), reference.doubles()).reduce(0) { $0 + abs($1.0 - $1.1) }
        #expect(mean <= (test.number("mean_abs") ?? 0) * Double(tensor.size), "\(test.name) \(name)")
      }
    }
  }

  @Test("damaged files are refused with the file's name and a reason", arguments: operations)
  func damage(op: String) throws {
    for test in cases(op, corrupt: true) {
      let file = (test.params["file"] as? String ?? "").split(separator: "/").last ?? ""
      let mustFail = test.tolerance["must_fail"] as? Bool ?? true
      do {
        _ = try read(test)
        #expect(!mustFail, "\(test.name) was read: \(test.params["problem"] ?? "")")
      } catch let fault as Fault {
        #expect(fault.message.contains(file), "\(test.name): \(fault)")
        #expect(["bad-file", "truncated-file"].contains(fault.code), "\(test.name): \(fault)")
        #expect(fault.message.count > file.count + 20)
      }
    }
    #expect(op == "read cifar100" || !cases(op, corrupt: true).isEmpty)
  }

  @Test func labelsWhereImagesAreMeant() {
    let path = "\(FixtureTopic.folder)/files/labels-idx1-ubyte"
    #expect(throws: Fault.self) { try Idx.images(path) }
    #expect(throws: Fault.self) { try Idx.labels(path, classes: 2) }
  }

  @Test func notAFile() throws {
    #expect(throws: Fault("file-not-found", "there is no file /no/such/file.safetensors")) {
      try Safetensors.read("/no/such/file.safetensors")
    }
    #expect(throws: Fault.self) { try Safetensors.read("/") }
    #expect(throws: Fault.self) { try Npy.read("/dev/zero") }
  }

  @Test("safetensors: bytes as in the format's description")
  func safetensorsBytes() throws {
    try withTemporaryFolder { folder in
      let header = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
      var bytes: [UInt8] = [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(header.utf8)
      bytes += [0, 0, 128, 63, 0, 0, 0, 192]  // 1.0 and -2.0
      try writeBytes(bytes, to: "\(folder)/a.safetensors")
      #expect(try Safetensors.read("\(folder)/a.safetensors")["a"]?.floats() == [1, -2])
    }
  }

  @Test("safetensors: what is written is read again, whatever the dtype")
  func safetensorsRoundTrip() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.safetensors"
      let tensors: [(name: String, value: Tensor)] = [
        ("weird \"name\"\n", try Tensor([Float.nan, -0.0, 1.0e-38], shape: [3, 1])),
        ("d", try Tensor([Double.pi, -.infinity], shape: [2])), ("i", try Tensor([Int64.min, .max], shape: [1, 2])),
        ("b", try Tensor([true, false], shape: [2])), ("empty", try Tensor([Float](), shape: [0, 3])),
        ("t", try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]).transposed()),
      ]
      try Safetensors.write(tensors, metadata: ["k": "v"], to: path)
      let file = try Safetensors.read(path)
      #expect(file.names == tensors.map(\.name))
      #expect(file.metadata == ["k": "v"])
      for (name, value) in tensors {
        let found = try #require(file[name])
        #expect(found.shape == value.shape && found.dtype == value.dtype)
        #expect(try distance(found, value).difference == 0, "\(name)")
      }
      #expect(throws: Fault.self) { try Safetensors.write([tensors[1], tensors[1]], to: path) }
      #expect(try Safetensors.read(path).names.count == tensors.count, "a failed write leaves the old file")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["x.safetensors"])
    }
  }

  @Test("a write that fails midway is a Fault and leaves the old file")
  func failedWrite() throws {
    let big: [(name: String, value: Tensor)] = [("w", try Tensor.zeros([100_000]))]
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.safetensors"
      try Safetensors.write([("old", Tensor.zeros([1]))], to: path)
      // A limit on the size of files stands for the full disk: writing stops in the middle.
      signal(SIGXFSZ, SIG_IGN)
      var before = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &before)
      var limit = rlimit(rlim_cur: 65536, rlim_max: before.rlim_max)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      defer { setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &before) }
      #expect(throws: Fault.self) { try Safetensors.write(big, to: path) }
      #expect(try Safetensors.read(path).names == ["old"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["x.safetensors"])
    }
    #expect(throws: Fault.self) { try Safetensors.write(big, to: "/proc/seep.safetensors") }
    #expect(throws: Fault.self) { try Safetensors.write(big, to: "/no/such/folder/x.safetensors") }
  }

  @Test func npyRoundTrip() throws {
    try withTemporaryFolder { folder in
      for value in [
        try Tensor([1.5, -2] as [Float], shape: [2, 1]), try Tensor([1, 2, 3] as [Double], shape: [3]),
        try Tensor([7] as [Int64], shape: []), try Tensor([true], shape: [1]),
      ] {
        try Npy.write(value, to: "\(folder)/x.npy")
        let found = try Npy.read("\(folder)/x.npy")
        #expect(found.shape == value.shape && found.dtype == value.dtype)
        #expect(try distance(found, value).difference == 0)
      }
      let size = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/x.npy")).count
      #expect((size - 1) % 64 == 0, "the data begins at a multiple of 64")
    }
  }

  @Test func pngRoundTrip() throws {
    try withTemporaryFolder { folder in
      for channels in 1...4 {
        let values = (0..<(channels * 15)).map { Float($0 * 37 % 256) / 255 }
        let image = try Tensor(values, shape: [channels, 3, 5])
        try Png.write(image, to: "\(folder)/x.png")
        #expect(try distance(Png.read("\(folder)/x.png").tensor(), image).difference == 0)
      }
      try Png.write(Tensor([Float.nan, -1, 2, 0.5], shape: [2, 2]), to: "\(folder)/x.png")
      #expect(try Png.read("\(folder)/x.png").samples == [0, 0, 255, 128])
      #expect(throws: Fault.self) { try Png.write(Tensor.zeros([5, 2, 2]), to: "\(folder)/x.png") }
    }
  }

  @Test("what the system refuses has a code by its reason") func refused() {
    #expect(Fault.system("x.npz", "write", ENOSPC).code == "disk-full")
    #expect(Fault.system("x.npz", "write", EACCES).code == "file-unwritable")
    #expect(Fault.system("x.npz", "read", EACCES).code == "file-unreadable")
    #expect(Fault.system("x.npz", "read", ENOENT).code == "file-not-found")
  }
}
