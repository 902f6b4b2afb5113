// The check of a text for shells and editors.
import Ground

extension Session {
  /// Everything that can be said of a text without running it, in its order: syntax errors, or else errors (unknown
  /// names, calls that do not fit, assignments to what is fixed), warnings (bound in vain) and notes (hides a name of
  /// the library). A call that must fail inside of `try` is a warning. The session stays as it is.
  public func findings(in text: String, name: String) -> [Failure] {
    let file = SourceHandle(name: name, text: Array(text.utf8))
    let floor = machine.stackFloor()
    let parsed = QuickParser.read(file.text, nativeLimit: floor)
    if !parsed.errors.isEmpty { return Session.failures(parsed.errors, file) }
    let found = Checker(session: self, file: file, nativeLimit: floor).run(parsed.statements)
    return found + limits(of: file, after: found)
  }

  /// The compiler has the last word: limits of its own.
  func limits(of file: SourceHandle, after found: [Failure]) -> [Failure] {
    if found.contains(where: { $0.severity == .error }) { return [] }
    return check(file).map { [$0] } ?? []
  }
}
