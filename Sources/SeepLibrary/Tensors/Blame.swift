// Which argument a fault from the engine is about: the engine knows numbers, not the call.
import Ground
import SeepLanguage

/// Runs `body`; a fault from it that blames no argument is about this one, which is labelled with its dtype and shape.
/// - Parameter also: another argument to label.
func blaming<R>(_ call: Call, _ name: String, labelling also: String? = nil, _ body: () throws -> R) throws -> R {
  do {
    return try body()
  } catch var fault as Fault where fault.argument == nil && fault != .interrupted {
    fault.argument = call.index(of: name)
    for label in [name, also].compactMap({ $0 }) where fault.operands[call.index(of: label)] == nil {
      if let tensor = call[label].foreign(as: TensorValue.self) {
        fault.operands[call.index(of: label)] = tensor.summary
      }
    }
    throw fault
  }
}
