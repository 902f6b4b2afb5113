// `seep doctor`: what Seep needs and has here, how fast it is, and what to do about what is missing.
import Ground

/// One line of the report.
struct DoctorFinding {
  enum Mark: String {
    case ok = "ok"
    /// Something that is only needed for a part, or only slower.
    case note = "note"
    /// Seep does not work as it should.
    case missing = "missing"
    /// Says something, and judges nothing.
    case fact = ""
  }
  var mark: Mark
  var text: String
  /// What to do, as a sentence.
  var advice = ""

  init(_ mark: Mark, _ text: String, advice: String = "") {
    (self.mark, self.text, self.advice) = (mark, text, advice)
  }
}

public enum Doctor {
  /// Prints the report.
  ///
  /// - Returns: 0 if all that Seep needs is there, 1 if not.
  public static func run() -> Int32 {
    Console.handleInterrupts()
    var missing = 0
    print("seep \(Commands.version), built by Swift \(swiftVersion)")
    let sections: [(title: String, findings: () throws -> [DoctorFinding])] = [
      ("libraries", libraries), ("processor", processor), ("speed", speed), ("terminal", terminal), ("files", files),
      ("programs beside Seep", programs),
    ]
    for section in sections {
      print("\n\(section.title)")
      do {
        for finding in try section.findings() {
          print(line(finding))
          missing += finding.mark == .missing ? 1 : 0
        }
      } catch {
        if Interrupt.isRequested { return 130 }
        print(line(DoctorFinding(.missing, (error as? Fault)?.message ?? "\(error)")))
        missing += 1
      }
    }
    print(missing == 0 ? "\nall that Seep needs is here" : "\n\(missing) missing: see the lines marked `missing`")
    return missing == 0 ? 0 : 1
  }

  private static func line(_ finding: DoctorFinding) -> String {
    let mark = finding.mark.rawValue
    let padded = "  " + mark + String(repeating: " ", count: 9 - mark.count)
    return padded + finding.text + (finding.advice.isEmpty ? "" : "\n           \(finding.advice)")
  }

  /// The compiler that built this program.
  private static var swiftVersion: String {
    #if compiler(>=6.4)
      return "6.4 or later"
    #elseif compiler(>=6.3)
      return "6.3"
    #elseif compiler(>=6.2)
      return "6.2"
    #elseif compiler(>=6.1)
      return "6.1"
    #else
      return "6.0"
    #endif
  }
}
