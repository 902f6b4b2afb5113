// Whether a text at the prompt is whole, or wants another line. One function for every place where people type.
import Ground

/// What a prompt does with a text.
public enum Completeness: Sendable {
  /// It can be run.
  case complete
  /// It ends where something must follow: ask for another line.
  case incomplete
  /// It is wrong whatever follows.
  case invalid
}

extension Session {
  public func completeness(of text: String) -> Completeness {
    let errors = QuickParser.read(Array(text.utf8), nativeLimit: machine.stackFloor() + (256 << 10)).errors
    if errors.isEmpty { return .complete }
    return errors.allSatisfy(\.isAtEnd) ? .incomplete : .invalid
  }
}
