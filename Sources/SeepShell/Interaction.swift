// Running what a person typed, at the prompt or in a notebook: statement by statement, each as a whole or not at all.
import Ground
import SeepLanguage
import SeepLibrary

final class Interaction {
  enum Outcome {
    /// Nothing to show where the value is none or the text ends in `;`.
    case value(Value)
    case failure(Failure)
    /// A command could not do what it was asked: a sentence.
    case refused(String)
    case interrupted
    /// The program called `exit`.
    case exit(Int32)
  }

  let session: Session
  /// For diagnostics: where the text stands.
  let name: String

  /// Statements that worked, for `:save`.
  private(set) var kept: [String] = []
  /// Of the last error, for `:explain`.
  private(set) var lastCode: String?
  /// The session as it was at first, for `:reset`.
  private let beginning: Session.Snapshot
  /// What `:clear` does.
  let clear: () -> Void

  init(_ session: Session, name: String, clear: @escaping () -> Void) {
    self.session = session
    self.name = name
    self.clear = clear
    beginning = session.snapshot()
  }

  /// Forgets all variables; the random numbers start anew.
  func reset() {
    session.rollback(to: beginning)
    kept = []
  }

  /// Runs a text. A statement that fails is undone with its bindings and random draws, and those after it do not run; what came
  /// before it stays. A text that does not compile does nothing at all.
  ///
  /// - Parameter folder: where `use "m.seep"` looks first.
  func run(_ text: String, name: String? = nil, folder: String = ".") -> Outcome {
    var code = text
    while let last = code.last, last.isWhitespace { code.removeLast() }
    let isHidden = code.last == ";"
    if isHidden { code.removeLast() }
    let start = code.drop { $0 == " " }
    if start.hasPrefix("|>") || (start.first == "." && start.dropFirst().first?.isNumber != true) { code = "_ " + code }
    Interrupt.clear()
    defer {
      Interrupt.clear()
      session.progress.finish("")
    }
    let name = name ?? self.name
    let steps = session.steps(of: code)
    func failed(_ failure: Failure) -> Outcome {
      lastCode = failure.fault.code
      return .failure(failure)
    }
    if steps.count > 1, let failure = session.check(code, name: name) { return failed(failure) }
    var value = Value.none
    for step in steps {
      let before = session.snapshot()
      switch session.evaluate(step, name: name, folder: folder) {
      case .success(let result):
        value = result
        kept.append(String(step.drop { $0 == "\n" }))
      case .failure(let failure):
        if let status = ExitRequest.status(of: failure.fault) { return .exit(status) }
        session.rollback(to: before)
        return failure.fault.code == Fault.interrupted.code ? .interrupted : failed(failure)
      }
    }
    return .value(isHidden ? .none : value)
  }

  /// The text of a value as the prompt shows it, in lines of about `width`.
  func shown(_ value: Value, width: Int = 100) -> String {
    PromptDisplay.text(value, width: width, in: session)
  }
}
