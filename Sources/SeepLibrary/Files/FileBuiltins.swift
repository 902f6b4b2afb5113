// `save` and `load`: the format follows the file's name.
import Autodiff
import Ground
import Networks
import SeepLanguage
import Tensors

private func isIdx(_ path: String) -> Bool {
  let name = path.hasSuffix(".gz") ? String(path.dropLast(3)) : path
  return name.hasSuffix(".idx") || name.hasSuffix("-ubyte")
}

/// CIFAR-10's records are 3073 bytes long, CIFAR-100's 3074; a file that could be both goes by its name.
private func cifar(_ path: String) throws -> Value {
  let name = path.split(separator: "/").last.map(String.init) ?? path
  let size = try fileSize(path)
  let isHundred =
    size % 3074 == 0 && (size % 3073 != 0 || !name.contains("batch")) || name.hasPrefix("train") && size % 3073 != 0
  let data = try isHundred ? Cifar.read100(path) : Cifar.read10(path)
  return Value(DataPart(name: name, images: data.images, labels: data.labels))
}

let fileBuiltins: [Builtin] = [
  Builtin(
    "save(value, path)", group: "files",
    """
    Writes tensors, numbers, strings, and records, lists and tuples of them to a `.safetensors` file; a single tensor also to
    `.npy`; a record of tensors, a model or an update to `.npz`; rows to `.csv` as `to_csv` writes them, and any value that JSON can write to `.json`
    (tensors as nested lists); an audit to `.csv`, `.json`, `.tex` or `.html`; a table to `.csv`; a plot to `.svg`, `.png`, `.pdf` (drawn by
    gnuplot) or `.txt`. The file is written beside its
    place and then moved, so that an interruption leaves the old one whole.
    """,
    example: """
      save({w: ones(2), step: 3}, "example.safetensors")
      print(load("example.safetensors").step)            # expect: 3
      save([{sigma: 0.1, psnr: 21.5}], "example.csv")
      print(load("example.csv"))                         # expect: [{sigma: 0.1, psnr: 21.5}]
      """
  ) { call in
    let path = try call.string("path")
    if let audit = call["value"].foreign(as: AuditValue.self) {
      try audit.save(to: path)
    } else if let table = call["value"].foreign(as: TableValue.self) {
      try table.save(to: path)
    } else if let plot = call["value"].foreign(as: PlotValue.self) {
      try plot.save(to: path)
    } else if path.hasSuffix(".safetensors"), let update = call["value"].foreign(as: UpdateValue.self)?.update {
      try Safetensors.write(arrays(call), metadata: [Captured.key: Captured.json(update)], to: path)
    } else if path.hasSuffix(".safetensors") {
      let file = try Stored.file(call["value"])
      try Safetensors.write(file.named, metadata: file.metadata, to: path)
    } else if path.hasSuffix(".npy") {
      try Npy.write(tensorArgument(call, "value").value, to: path)
    } else if path.hasSuffix(".npz") {
      try Npz.write(arrays(call), to: path)
    } else if let format = TextFormat(path) {
      try format.save(call["value"], to: path, call.session)
    } else {
      throw call.fault(
        "unknown-format", "`save` writes .safetensors, .npy, .npz, .csv and .json files; \"\(path)\" is none of them",
        argument: "path",
        help: "save(…, \"\(path).safetensors\")")
    }
    return .none
  },
  Builtin(
    "load(path, manifest: none)", group: "files",
    """
    Reads a file by its name: `.safetensors` (what `save` wrote, or a record of the tensors of any other), `.npy`, `.npz` (a record), `.csv` (a list of records, as `parse_csv` reads them), `.json`
    (as `parse_json`), IDX (MNIST's `…-ubyte`, also `.gz`), CIFAR-10's and CIFAR-100's binary `.bin` (data with images and labels), `.png` and `.jpg` (a tensor
    `[channels, height, width]` in 0…1). With a `manifest` (see `captured`), or the name of a JSON file with one, a file of tensors is a captured update; it is one by
    itself where safetensors have the manifest as `seep.update` in their metadata, or `update.json` lies beside `update.npz`. Errors name the file and what is wrong with it. Pictures in folders: `load_images`.
    """, example: "save(ones(2), \"example.npy\")\nprint(load(\"example.npy\"))  # expect: [1.0, 1.0]"
  ) { call in
    let path = try call.string("path")
    func one(_ tensor: Tensor) -> Value { Value(TensorValue(Variable(tensor), origin: "load(\"\(path)\")")) }
    let name = path.lowercased()
    if name.hasSuffix(".safetensors") || name.hasSuffix(".npz") {
      let file = try blaming(call, "path") { try name.hasSuffix(".npz") ? Npz.read(path) : Safetensors.read(path) }
      if let manifest = try Captured.manifest(
        of: path, file.metadata, given: call.optionalValue("manifest"), call.session)
      {
        return Value(UpdateValue(try manifest.update(file.named)))
      }
      return try Stored.value(file, path)
    }
    if call.optionalValue("manifest") != nil {
      throw call.fault(
        "wrong-arguments", "a manifest belongs to a file of tensors, .safetensors or .npz", argument: "manifest")
    }
    let found = try blaming(call, "path") { () -> Value? in
      if name.hasSuffix(".npy") { return one(try Npy.read(path)) }
      if [".png", ".jpg", ".jpeg"].contains(where: name.hasSuffix) { return one(try StoredImage.read(path).tensor()) }
      if isIdx(path) { return one(try Idx.read(path)) }
      return name.hasSuffix(".bin") ? try cifar(path) : nil
    }
    if let found { return found }
    if let format = TextFormat(path) { return try format.load(path, call.session) }
    throw call.fault(
      "unknown-format",
      isFolder(path)
        ? "\"\(path)\" is a folder"
        : "`load` reads .safetensors, .npy, .npz, .csv, .json, .png, .jpg, IDX and CIFAR's .bin files; \"\(path)\" is none by its name",
      argument: "path", help: isFolder(path) ? "load_images(\"\(path)\", size: 64)" : nil)
  },
  Builtin(
    "load_image(path, size: none)", group: "files",
    """
    A PNG or JPEG image as `[channels, height, width]` in 0…1, grey (1) or coloured (3), without its transparency; with `size`, the middle square
    of it, resized by area.
    """,
    example:
      "save_image(zeros(1, 8, 8), \"example.png\", scale: 1)\nprint(load_image(\"example.png\", size: 4).shape)  # expect: [3, 4, 4]"
  ) { call in
    var image = Variable(try StoredImage.read(call.string("path")).opaque())
    if try call.optionalInt("size") != nil { image = try image.middleSquare(call.int("size", in: 1...1 << 14)) }
    return Value(TensorValue(image))
  },
  Builtin(
    "load_images(folder, size: none, grey: false, labels: none, attribute: none, limit: none)", group: "data",
    """
    PNG and JPEG pictures as data: `.images` `[n, channels, size, size]` in 0…1 (the middle square of each, resized by area), `.labels`, `.classes`.
    A folder inside `folder` is a class, in the order of their names; or `labels` is a list of files: CelebA's `list_attr_celeba.txt`, or a
    table whose first column is the file, with `attribute` the column that counts. `limit` takes the first so many.
    """,
    example: """
      make_folder("example/cats")
      make_folder("example/dogs")
      save_image(ones(1, 8, 8), "example/cats/a.png")
      save_image(zeros(1, 8, 8), "example/dogs/b.png")
      let pets = load_images("example", size: 8, grey: true)
      print(pets.images.shape, pets.labels, pets.classes)   # expect: [2, 1, 8, 8] [0, 1] ["cats", "dogs"]
      """
  ) { call in
    let folder = try call.string("folder")
    guard isFolder(folder) else {
      throw call.fault("file-not-found", "there is no folder \(folder)", argument: "folder")
    }
    let found =
      try call.optionalString("labels").map {
        try ImageFolder(folder, listed: $0, attribute: call.optionalString("attribute"))
      } ?? ImageFolder(folder)
    let size = try call.optionalInt("size").map { _ in try call.int("size", in: 1...1 << 14) }
    let limit = try call.optionalInt("limit").map { _ in try call.int("limit", in: 1...Int.max) }
    let (progress, session) = (call.session.progress, call.session)
    defer { progress.finish("load_images") }
    let (images, labels) = try found.load(size: size, grey: call.bool("grey"), limit: limit) { done, total in
      try session.checkInterrupt()
      if done % 100 == 99 { progress.report(ProgressReport("load_images", done: done, total: total)) }
    }
    return Value(DataPart(name: folder, images: images, labels: labels, classes: found.classes))
  },
]

/// The tensors of a record, a model or an update, by name.
private func arrays(_ call: Call) throws -> [(name: String, value: Tensor)] {
  let value = call["value"]
  if let update = value.foreign(as: UpdateValue.self)?.update {
    return zip(update.names, update.tensors).map { (name: $0, value: $1) }
  }
  if let model = value.foreign(as: ModelValue.self)?.model {
    let all = try model.allValues
    return zip(all.names, all.tensors).map { (name: $0, value: $1) }
  }
  guard let fields = value.asRecord?.fields else {
    throw call.fault(
      "type-mismatch", "an .npz file holds a record of tensors, not \(described(value))", argument: "value",
      help: "save({x: …}, \"x.npz\")")
  }
  return try fields.map { field in
    guard let tensor = field.value.foreign(as: TensorValue.self)?.tensor else {
      throw call.fault(
        "cannot-save", "an .npz file holds tensors, and `\(field.name)` is \(described(field.value))",
        argument: "value",
        help: "a .safetensors file")
    }
    return (name: field.name, value: tensor)
  }
}

extension TensorFile {
  var named: [(name: String, value: Tensor)] { zip(names, tensors).map { (name: $0, value: $1) } }
}
