// What TAB offers: names, fields of values that are already bound, keyword arguments. Nothing of the user's is run.
import Ground
import SeepLanguage
import SeepLibrary

public enum Completion {
  static let keywords = [
    "and", "assert", "break", "catch", "continue", "else", "false", "fn", "for", "if", "in", "let", "match", "none",
    "not", "or",
    "raise", "return", "test", "true", "try", "use", "var", "while", "with",
  ]

  /// Candidates for the word that ends at the end of `line`, whole words, sorted.
  ///
  /// - Parameters:
  ///   - word: the word as the editor cuts it: letters, digits, `_` and `.`.
  ///   - line: what was typed up to the word's end.
  public static func candidates(for word: String, in line: String, _ session: Session) -> [String] {
    if let dot = word.lastIndex(of: ".") {
      let head = String(word[..<dot])
      let rest = word[word.index(after: dot)...]
      guard let value = value(head, session) else { return [] }
      return fields(of: value, session).filter { $0.hasPrefix(rest) }.map { head + "." + $0 }.uniqued
    }
    var names = session.knownNames.filter { $0.hasPrefix(word) } + keywords.filter { $0.hasPrefix(word) }
    names += arguments(before: line.dropLast(word.count), session).filter { $0.hasPrefix(word) }
    return names.uniqued
  }

  /// The value of a dotted name, followed through records only: a field of an object may compute.
  private static func value(_ path: String, _ session: Session) -> Value? {
    var parts = path.split(separator: ".").map(String.init)
    guard !parts.isEmpty, var value = session.lookup(parts.removeFirst()) else { return nil }
    for part in parts {
      guard let next = value.asRecord?[part] else { return nil }
      value = next
    }
    return value
  }

  /// Fields, and the functions that take such a value first.
  private static func fields(of value: Value, _ session: Session) -> [String] {
    if let record = value.asRecord { return record.names.filter(isName) }
    return value.asForeign?.fieldNames ?? []
  }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy {
        $0 == 95 || (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
      }
  }

  /// `rate:` and so on, inside the brackets of a call of a known function.
  private static func arguments(before text: Substring, _ session: Session) -> [String] {
    var depth = 0
    var at = text.endIndex
    while at > text.startIndex {
      at = text.index(before: at)
      if ")]}".contains(text[at]) { depth += 1 }
      if "([{".contains(text[at]) {
        if depth == 0 { break }
        depth -= 1
      }
    }
    guard at < text.endIndex, text[at] == "(" else { return [] }
    let name = String(text[..<at].reversed().prefix { $0 == "_" || $0.isLetter || $0.isNumber }.reversed())
    guard let builtin = session.lookup(name)?.builtin else { return [] }
    return builtin.signature.parameters.filter { !$0.isVariadic }.map { $0.name + ":" }
  }
}

extension [String] {
  /// Sorted, each once.
  var uniqued: [String] { Set(self).sorted() }
}
