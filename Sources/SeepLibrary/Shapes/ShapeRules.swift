// All rules by the name of the function, and the words that arguments may be.
import Ground
import SeepLanguage

enum ShapeRules {
  private static let known: [String: Rule] = [
    creationRules, shapingRules, arithmeticRules, modelRules, leakageRules,
  ].reduce(into: [:]) { $0.merge($1) { $1 } }

  static var names: [String] { known.keys.sorted() }

  static func rule(_ name: String) -> Rule? {
    let rule = known[name]
    return { call in
      try checkWords(call, rule)
      guard let rule else { throw Unclear() }
      return try rule(call)
    }
  }

  /// Arguments whose words are offered, though others, such as paths, may be meant as well.
  private static let open: Set<String> = ["prior.name", "attack.adapt"]

  /// Looks at the words among the arguments as the function itself does with `Call.choice`.
  private static func checkWords(_ call: KnownCall, _ rule: Rule?) throws {
    let wrong = call.words.compactMap { parameter, word -> (String, String, [String])? in
      guard !open.contains("\(call.name).\(parameter)") else { return nil }
      let allowed = Options.words(call.name, parameter)
      return allowed.isEmpty || allowed.contains(word) ? nil : (parameter, word, allowed)
    }
    guard let (parameter, word, allowed) = wrong.first else { return }
    // Of several mistakes the function meets one first, in an order of its own.
    guard wrong.count == 1 else { throw Unclear() }
    do {
      _ = try rule?(call)
    } catch is Fault {
      throw Unclear()
    } catch {}
    throw Choice.unknown(parameter, of: call.name, word, allowed, argument: call.index(of: parameter))
  }
}
