// What the command line does: run a script, a line or standard input; test; check; show documentation.
import Ground
import SeepLanguage
import SeepLibrary

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

public enum Commands {
  /// Seep's own.
  public static let version = "0.1.0"

  /// A session with the whole library, connected to this terminal.
  public static func session(seed: Int, arguments: [String] = [], color: String? = nil) -> Session {
    let session = Session(
      library: SeepLibrary.library, output: StandardOutput(), progress: ProgressDisplay(), seed: seed)
    session.arguments = arguments
    session.add(Library(constants: [("args", Value(list: arguments.map { Value($0) }))]))
    if let home = Home.folder { session.modulePath.append(home) }
    if let path = getenv("SEEP_PATH") {
      session.modulePath += String(cString: path).split(separator: ":").map(String.init)
    }
    TerminalPictures.attach(to: session, color: color)
    TerminalPlots.attach(to: session, color: color)
    return session
  }

  /// Runs a text; 0, 1 or 130, or what the program says by `exit`.
  public static func run(
    _ text: String, name: String, folder: String?, arguments: [String], seed: Int, color: String?,
    profile: ProfileRequest = .none
  ) -> Int32 {
    guard profile.isPossible else { return 1 }
    Console.handleInterrupts()
    let session = session(seed: seed, arguments: arguments, color: color)
    return run(text, name: name, folder: folder, in: session, color: color, showing: false, profile: profile)
  }

  /// Runs a text to its end, with a profile where one is asked for.
  static func run(
    _ text: String, name: String, folder: String?, in session: Session, color: String?, showing: Bool,
    profile: ProfileRequest
  ) -> Int32 {
    let follower: Profile?
    do {
      follower = try profile.begin(session)
    } catch {
      Console.writeError(said(error))
      return 1
    }
    let result = session.evaluate(text, name: name, folder: folder)
    follower?.stop()
    return profile.report(follower, name, finish(result, session, color: color, showing: showing))
  }

  /// A file to run; nil and a sentence where it cannot be read. `commands` are what else may have been meant.
  public static func read(_ path: String, commands: [String] = []) -> String? {
    do {
      return try TextFile.read(path)
    } catch {
      let near = path.contains("/") ? nil : nearestName(to: path, among: commands)
      Console.writeError(said(error) + (near.map { "  = there is a command `seep \($0)`\n" } ?? ""))
      return nil
    }
  }

  /// A diagnostic of a text that could not be read: it has no place in one.
  private static func said(_ error: any Error) -> String {
    guard let fault = error as? Fault else { return "error: \(error)\n" }
    return "error[\(fault.code)]: \(fault.message)\n" + fault.notes.map { "  = \($0)\n" }.joined()
  }

  /// All of standard input; nil and a diagnostic where it is not text.
  public static func readStandardInput() -> String? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = Glibc.read(0, &buffer, buffer.count)
      if count <= 0 { break }
      bytes += buffer[..<count]
    }
    do {
      return try TextFile.text(bytes, from: "standard input")
    } catch {
      Console.writeError(said(error))
      return nil
    }
  }

  /// Reports what shows without running: 1 if there are errors, 0 for warnings and notes alone.
  ///
  /// - Parameter isJSON: findings go to standard output, one JSON object a line, and what counts them to standard error.
  public static func check(_ paths: [String], color: String?, isJSON: Bool = false) -> Int32 {
    let session = session(seed: 0)
    var counts: [Severity: Int] = [:]
    let files = paths.flatMap(scripts)
    for path in files {
      guard let text = read(path) else { return 1 }
      for finding in session.findings(in: text, name: path) {
        if isJSON { print(finding.json) } else { Console.show(finding, color: color) }
        counts[finding.severity, default: 0] += 1
      }
    }
    let parts = [Severity.error, .warning, .note].compactMap { severity -> String? in
      guard let count = counts[severity] else { return nil }
      return "\(count) \(severity)" + (count == 1 ? "" : "s")
    }
    let total = files.count == 1 ? "1 file" : "\(files.count) files"
    let said = "\(total) checked: " + (parts.isEmpty ? "nothing to report" : parts.joined(separator: ", "))
    if isJSON { Console.writeError(said + "\n") } else { print(said) }
    return counts[.error] == nil ? 0 : 1
  }

  /// Runs annotated scripts, pages of the manual and `test` blocks; prints what failed and one closing line.
  public static func test(_ paths: [String]) -> Int32 {
    var (passed, failed, skipped) = (0, 0, 0)
    let files = paths.flatMap(scripts)
    for file in files {
      guard let text = read(file) else { return 1 }
      let folder = file.contains("/") ? String(file[..<(file.lastIndex(of: "/") ?? file.endIndex)]) : "."
      func silent() -> Session {
        let session = session(seed: 0)
        session.progress = SilentProgress()
        return session
      }
      let report =
        file.hasSuffix(".md")
        ? ScriptRunner.runPage(text, name: file, folder: folder, isOneProgram: Lessons.isLesson(file), session: silent)
        : ScriptRunner.run(text, name: file, folder: folder, session: silent)
      if report.skipped != nil { skipped += 1 }
      passed += report.tests.passed
      failed += report.tests.failed
      for problem in report.problems { print(problem) }
    }
    let total = files.count == 1 ? "1 file" : "\(files.count) files"
    print(
      "\(passed) test\(passed == 1 ? "" : "s") passed, \(failed) failed in \(total)"
        + (skipped > 0 ? ", \(skipped) skipped" : ""))
    return failed == 0 && passed > 0 ? 0 : 1
  }

  /// The scripts at a path: itself, or all below a folder, in order.
  public static func scripts(at path: String) -> [String] {
    guard let folder = opendir(path) else { return [path] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted().flatMap { name -> [String] in
      let inner = path + "/" + name
      var info = stat()
      guard stat(inner, &info) == 0 else { return [] }
      if info.st_mode & S_IFMT == S_IFDIR { return scripts(at: inner) }
      return name.hasSuffix(".seep") ? [inner] : []
    }
  }

  /// `seep doc --pages FOLDER`: the library reference as Markdown.
  public static func documentationPages(_ folder: String) -> Int32 {
    _ = mkdir(folder, 0o755)
    for (name, text) in LibraryPages.all() where !writeText(text, folder + "/" + name) { return 1 }
    return 0
  }

  /// False, and said, where it cannot be written.
  static func writeText(_ text: String, _ path: String) -> Bool {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    let isWritten = descriptor >= 0 && Console.write(Array(text.utf8), to: descriptor)
    let reason = String(cString: strerror(errno))
    if descriptor >= 0 { close(descriptor) }
    if !isWritten { Console.writeError("seep: cannot write \(path): \(reason)\n") }
    return isWritten
  }

  /// Every name that `documentation` knows, in order.
  public static var libraryNames: [String] { Set(SeepLibrary.library.builtins.map(\.name)).sorted() }

  /// Every code that `explain` knows.
  public static var diagnosticCodes: [String] { SeepLibrary.explanations.all.map(\.code) }

  /// All names of the library, a line for each group.
  static func nameList() -> String {
    let groups = Dictionary(grouping: SeepLibrary.library.builtins, by: \.group).sorted { $0.key < $1.key }
    return groups.map { "\($0.key): " + Set($0.value.map(\.name)).sorted().joined(separator: " ") + "\n" }.joined()
  }

  /// The help of one name, or the list of all.
  public static func documentation(_ name: String?) -> Int32 {
    let builtins = SeepLibrary.library.builtins
    guard let name else {
      print(nameList(), terminator: "")
      return 0
    }
    guard let builtin = builtins.last(where: { $0.name == name }) else {
      let near = nearestName(to: name, among: builtins.map(\.name))
      Console.writeError("seep: there is no `\(name)`" + (near.map { "; did you mean `\($0)`?" } ?? "") + "\n")
      return 1
    }
    print(Help.text(builtin))
    return 0
  }

  /// What stands behind the code of a diagnostic; without one, all codes.
  public static func explain(_ code: String?) -> Int32 {
    let explanations = SeepLibrary.explanations
    guard let code else {
      print(explanations.all.map(\.code).joined(separator: "\n"))
      return 0
    }
    do {
      print(try explanations.find(code).page, terminator: "")
      return 0
    } catch {
      Console.writeError("seep: \((error as? Fault)?.description ?? "\(error)")\n")
      return 1
    }
  }

  /// The index of all codes, for the manual.
  public static func explanationPage() -> Int32 {
    print(SeepLibrary.explanations.markdown, terminator: "")
    return 0
  }
}
