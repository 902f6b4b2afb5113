// The language's own library: what a program needs before there are tensors. Every name with its signature,
// documentation and an example that the tests run.
import Ground

/// Printing, conversions, lists, records, strings, functions and plain mathematics.
public enum CoreLibrary {
  /// Names that a library with tensors declares again (`sum`, `exp`, `abs` …) are replaced by its own.
  public static var library: Library {
    Library(
      CoreOutput.builtins + CoreLists.builtins + CoreListParts.builtins + CoreRecords.builtins
        + CoreStrings.builtins + CoreText.builtins + CoreFunctions.builtins + CoreNumbers.builtins
        + CoreMathematics.builtins + CoreSystem.builtins + CoreTime.builtins + CoreFiles.builtins + CoreJSON.builtins
        + CoreCSV.builtins,
      constants: [
        ("pi", Value(Double.pi)), ("tau", Value(2 * Double.pi)), ("inf", Value(Double.infinity)),
        ("nan", Value(Double.nan)),
      ])
  }
}

extension Call {
  /// The slot of a parameter, its default where nothing was given; borrowed.
  func slot(named name: String) -> Slot { value(name).slot }

  /// Calls `function` with slots that stay the caller's; the result is ours.
  func run(_ function: Slot, _ arguments: Slot...) throws -> Value {
    let machine = session.machine
    let start = machine.top
    try machine.requireStack(start, arguments.count)
    for (i, argument) in arguments.enumerated() { start[i] = argument }
    machine.top = start + arguments.count
    defer {
      machine.top = start
      machine.wipe(start, arguments.count)
    }
    return Value(taking: try machine.call(function, start, arguments.count, []))
  }
}
