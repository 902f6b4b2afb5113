// Where a function's code gets its marks: before the first instruction of each line, and again where jumps come together that stood
// on different lines. Nothing of this is in the code of a program that no profile follows.
import Ground

/// Marks the lines of one function while it is compiled.
struct LineMarker {
  private let profile: Profile
  private let file: SourceHandle
  private let function: Int
  /// The line that the code stands on, from 1.
  private var line = 0
  /// A jump comes here from another line.
  private var isJoined = false
  /// The line of each instruction so far.
  private var lines: [Int] = []

  /// - Parameter function: nil for the statements of the file itself.
  init(_ profile: Profile, _ file: SourceHandle, function: FunctionSyntax? = nil) {
    self.profile = profile
    self.file = file
    self.function = profile.function(function, in: file)
  }

  /// The mark before an instruction, if it needs one.
  mutating func mark(before op: Opcode, at site: Site) -> Instruction? {
    if site.to <= 0 { return nil }
    switch op {
    // Words that belong to the instruction before them, and those that only end something.
    case .halt, .jump, .clear, .loadNone, .returnValue, .returnNone: return nil
    // An empty loop has nothing else.
    case .loop where !isJoined: return nil
    default: break
    }
    let next = number(of: site)
    if next == line, !isJoined { return nil }
    // Back to an outer expression's first line, or to the test of a loop: the line was counted before.
    let counts = next > line
    line = next
    isJoined = false
    return profile.line(next, of: file, in: function).map { Instruction(.mark, counts ? 1 : 0, wide: $0) }
  }

  /// The mark at the begin of the function.
  mutating func begin(at site: Site) -> Instruction? {
    line = number(of: site)
    return profile.line(line, of: file, in: function).map { Instruction(.mark, 2, wide: $0) }
  }

  /// An instruction was written.
  mutating func written() { lines.append(line) }

  /// Jumps from somewhere come to the next instruction.
  mutating func joined() { isJoined = true }

  /// The jump at `index` comes to the next instruction.
  mutating func joined(from index: Int) { if lines[index] != line { isJoined = true } }

  private func number(of site: Site) -> Int { file.lineStart(around: Int(site.from)).line + 1 }
}
