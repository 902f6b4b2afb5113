// The text of a caller's function with all it rests on: what tells whether an audit is the same, and what its manifest keeps.
import Leakage
import Networks
import SeepLanguage
import Tensors

/// The function, the functions it calls and the values it reads, a text each on lines of their own; nil for what is no function written in Seep.
/// Numbers of tensors and models count by a digest.
func sourceText(_ function: Value, _ session: Session) -> String? {
  let texts = function.sources(in: session) { value -> String? in
    if let tensor = value.foreign(as: TensorValue.self)?.tensor, let digest = try? Digest.of([tensor]) {
      return "\(session.display(value, .short)) #\(digest)"
    }
    if let model = value.foreign(as: ModelValue.self)?.model,
      let digest = try? Digest.of(model.parameters.tensors + model.buffers.tensors)
    {
      return "\(model.written) #\(digest)"
    }
    return nil
  }
  return texts?.joined(separator: "\n")
}
