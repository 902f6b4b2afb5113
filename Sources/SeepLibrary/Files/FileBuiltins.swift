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

let fileBuiltins: [Builtin] = [
  Builtin(
    "save(value, path)", group: "files",
    """
    Writes tensors, numbers, strings, and records, lists and tuples of them to a `.safetensors` file; a single tensor also to
    `.npy`; an audit to `.csv`, `.json`, `.tex` or `.html`. The file is written beside its place and then moved, so that an interruption leaves the old one whole.
    """,
    example:
      "save({w: ones(2), step: 3}, \"example.safetensors\")\nprint(load(\"example.safetensors\").step)  # expect: 3"
  ) { call in
    let path = try call.string("path")
    if let audit = call["value"].foreign(as: AuditValue.self) {
      try audit.save(to: path)
    } else if path.hasSuffix(".safetensors") {
      let file = try Stored.file(call["value"])
      try Safetensors.write(file.named, metadata: file.metadata, to: path)
    } else if path.hasSuffix(".npy") {
      try Npy.write(tensorArgument(call, "value").value, to: path)
    } else {
      throw call.fault(
        "unknown-format", "`save` writes .safetensors and .npy files; \"\(path)\" is neither", argument: "path",
        help: "save(…, \"\(path).safetensors\")")
    }
    return .none
  },
  Builtin(
    "load(path)", group: "files",
    """
    Reads a `.safetensors` file (what `save` wrote, or a record of the tensors of any other), `.npy`, `.npz` (a record), IDX
    files (`…-ubyte`, also `.gz`), or a `.png` image. Errors name the file and what is wrong with it.
    """, example: "save(ones(2), \"example.npy\")\nprint(load(\"example.npy\"))  # expect: [1.0, 1.0]"
  ) { call in
    let path = try call.string("path")
    func one(_ tensor: Tensor) -> Value { Value(TensorValue(Variable(tensor), origin: "load(\"\(path)\")")) }
    if path.hasSuffix(".safetensors") { return try Stored.value(Safetensors.read(path), path) }
    if path.hasSuffix(".npy") { return one(try Npy.read(path)) }
    if path.hasSuffix(".npz") { return try Stored.value(Npz.read(path), path) }
    if path.hasSuffix(".png") { return one(try Png.read(path).tensor()) }
    if isIdx(path) { return one(try Idx.read(path)) }
    throw call.fault(
      "unknown-format", "`load` reads .safetensors, .npy, .npz, .png and IDX files; \"\(path)\" is none by its name",
      argument: "path")
  },
  Builtin(
    "load_image(path, size: none)", group: "files",
    "A PNG image as `[channels, height, width]` in 0…1; with `size`, the middle square of it, resized by area.",
    example:
      "save_image(zeros(1, 8, 8), \"example.png\", scale: 1)\nprint(load_image(\"example.png\", size: 4).shape)  # expect: [3, 4, 4]"
  ) { call in
    var image = Variable(try Png.read(call.string("path")).tensor())
    if let size = try call.optionalInt("size") {
      let (height, width) = (image.shape[1], image.shape[2])
      let side = min(height, width)
      let (top, left) = ((height - side) / 2, (width - side) / 2)
      image = try image.slice(axis: 1, from: top, to: top + side).slice(axis: 2, from: left, to: left + side)
        .resize(height: size, width: size, mode: .area)
    }
    return Value(TensorValue(image))
  },
]

extension TensorFile {
  var named: [(name: String, value: Tensor)] { zip(names, tensors).map { (name: $0, value: $1) } }
}
