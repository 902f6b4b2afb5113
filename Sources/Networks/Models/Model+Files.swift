// Models in files: parameters and buffers by name in safetensors.
import Autodiff
import Ground
import Tensors

extension Model {
  /// Parameters and buffers together, by name.
  public var allValues: Parameters {
    get throws {
      let (parameters, buffers) = (try self.parameters, try self.buffers)
      return try Parameters(
        zip(parameters.names + buffers.names, parameters.values + buffers.values).map { (name: $0, value: $1) })
    }
  }

  /// Writes parameters and buffers; the metadata says how the model is written and the shape of its examples.
  /// - Throws: `model-not-built`, `disk-full`, `file-unwritable`.
  public func save(to path: String, metadata: [String: String] = [:]) throws {
    let values = try allValues
    let about = [
      "model": written, "input": (inputShape ?? []).map(String.init).joined(separator: ","), "format": "seep",
    ]
    try Safetensors.write(
      zip(values.names, values.tensors).map { (name: $0, value: $1) }, metadata: about.merging(metadata) { $1 },
      to: path)
  }

  /// The model with the values of a safetensors file.
  ///
  /// Values are matched by name; the file must have every parameter and may have the buffers.
  /// - Throws: `bad-file`, `truncated-file`, `missing-parameter`, `shape-mismatch`.
  public func load(from path: String) throws -> Model {
    let file = try Safetensors.read(path)
    if inputShape == nil, let shape = file.metadata["input"]?.split(separator: ",").map({ Int($0) }),
      !shape.isEmpty, shape.allSatisfy({ ($0 ?? 0) > 0 })
    {
      try build(for: shape.compactMap { $0 })
    }
    return try with(Parameters(zip(file.names, file.tensors).map { (name: $0, value: Variable($1)) }))
  }
}
