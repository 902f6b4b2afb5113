// What is around the engine: terminal, files, other programs.
import Ground
import SeepLibrary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Doctor {
  static func terminal() -> [DoctorFinding] {
    func variables(_ names: [String]) -> String {
      let set = names.compactMap { name in getenv(name).map { "\(name)=\(String(cString: $0))" } }
      return set.isEmpty ? "none of \(names.joined(separator: ", ")) is set" : set.joined(separator: " ")
    }
    let isTerminal = isatty(1) == 1
    return [
      DoctorFinding(.fact, isTerminal ? "output goes to a terminal" : "output does not go to a terminal"),
      DoctorFinding(
        .fact, "colours \(Console.usesColor(1) ? "on" : "off") (\(variables(["NO_COLOR", "FORCE_COLOR", "TERM"])))"),
      DoctorFinding(.fact, "pictures: " + TerminalGraphics(color: nil) { Console.writeError($0) }.explanation),
    ]
  }

  static func files() -> [DoctorFinding] {
    var findings: [DoctorFinding] = []
    if let folder = Home.folder {
      findings.append(DoctorFinding(.ok, "library, data and priors: \(folder)"))
      for name in ["priors/digits.safetensors", "attacks/dlg.seep"] where access(folder + "/" + name, R_OK) != 0 {
        findings.append(
          DoctorFinding(.missing, "the library has no \(name)", advice: "Install Seep again: scripts/install."))
      }
    } else {
      findings.append(
        DoctorFinding(
          .missing, "the library was not found in SEEP_HOME, in ../share/seep beside seep, or in a checkout",
          advice: "Install Seep with scripts/install, or set SEEP_HOME to the folder stdlib of a checkout."))
    }
    let lessons = Lessons.numbers.count
    findings.append(
      lessons > 0
        ? DoctorFinding(.ok, "\(lessons) lessons: \(Lessons.folder ?? "")")
        : DoctorFinding(
          .note, "the lessons were not found: `seep learn` needs them",
          advice: "Set SEEP_LESSONS to the folder docs/lessons of a checkout."))
    findings.append(history())
    return findings
  }

  private static func history() -> DoctorFinding {
    guard let path = History().path else {
      return DoctorFinding(
        .note, "no history is kept: SEEP_HISTORY is empty or there is no home folder",
        advice: "Set SEEP_HISTORY to a file.")
    }
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let isThere = access(path, F_OK) == 0
    guard access(isThere ? path : folder, W_OK) == 0 else {
      let reason = String(cString: strerror(errno)).lowercased()
      return DoctorFinding(
        .note, "the history file \(path) cannot be written: \(reason)", advice: "Set SEEP_HISTORY to a file that can.")
    }
    return DoctorFinding(.ok, "history file: \(path)" + (isThere ? "" : ", made at the first prompt"))
  }

  static func programs() -> [DoctorFinding] {
    var findings: [DoctorFinding] = []
    if let version = firstLine("gnuplot --version") {
      findings.append(DoctorFinding(.ok, version))
    } else {
      findings.append(
        DoctorFinding(.note, "gnuplot was not found: plots to files need it", advice: "apt-get install gnuplot-nox"))
    }
    let jupyter = ["jupyter-lab", "jupyter-notebook", "jupyter"].lazy.compactMap { name in
      path(of: name).flatMap { _ in firstLine("\(name) --version").map { "\(name) \($0)" } }
    }.first
    findings.append(
      jupyter.map { DoctorFinding(.ok, $0) }
        ?? DoctorFinding(
          .note, "Jupyter was not found on PATH: only notebooks need it", advice: "pip install jupyterlab"))
    if let folder = Commands.kernelFolder(prefix: nil) {
      let spec = folder + "/seep/kernel.json"
      findings.append(
        access(spec, R_OK) == 0
          ? DoctorFinding(.ok, "Jupyter of this user knows Seep: \(spec)")
          : DoctorFinding(.note, "Jupyter of this user does not know Seep", advice: "seep kernel install"))
    }
    return findings
  }

  /// Where a program of PATH is.
  private static func path(of program: String) -> String? {
    let folders = getenv("PATH").map { String(cString: $0) } ?? ""
    return folders.split(separator: ":").map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
  }

  /// The first line with a number that a command prints; nil where it fails.
  private static func firstLine(_ command: String) -> String? {
    guard let pipe = popen("\(command) 2>/dev/null", "r") else { return nil }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = fread(&buffer, 1, buffer.count, pipe)
      if count <= 0 { break }
      bytes += buffer[..<count]
    }
    guard pclose(pipe) == 0 else { return nil }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.contains(where: \.isNumber) }
      .map(String.init)
  }
}
