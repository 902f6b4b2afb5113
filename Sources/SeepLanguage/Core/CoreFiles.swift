// Files, folders and paths.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

enum CoreFiles {
  static var builtins: [Builtin] { questions + changes + paths + process }

  private static func failure(_ call: Call, _ words: String, _ name: String = "path") -> Fault {
    let code = errno
    return call.fault(
      code == ENOENT ? "file-not-found" : "file-unwritable",
      "\(words): \(String(cString: strerror(code)).lowercased())",
      argument: name)
  }

  private static func kind(_ path: String) -> UInt32? {
    var info = stat()
    return stat(path, &info) == 0 ? UInt32(info.st_mode) & UInt32(S_IFMT) : nil
  }

  private static var questions: [Builtin] {
    [
      Builtin(
        "exists(path)", group: "files", "Whether there is a file or folder at `path`.",
        example: "print(exists(\"no such file\"))  # expect: false"
      ) { call in Value(access(try call.string("path"), F_OK) == 0) },
      Builtin(
        "is_folder(path)", group: "files", "Whether there is a folder at `path`.",
        example: "print(is_folder(\".\"))  # expect: true"
      ) { call in Value(kind(try call.string("path")) == UInt32(S_IFDIR)) },
      Builtin(
        "file_size(path)", group: "files", "The number of bytes of a file. Errors: file-not-found.",
        example: "write_text(\"example.txt\", \"abc\")\nprint(file_size(\"example.txt\"))  # expect: 3"
      ) { call in
        var info = stat()
        let path = try call.string("path")
        if stat(path, &info) != 0 { throw failure(call, "cannot read \"\(path)\"") }
        return Value(Int(info.st_size))
      },
      Builtin(
        "list_folder(path)", group: "files",
        "The names in a folder, in order of their bytes, without those that begin with a dot. Errors: file-not-found.",
        example:
          "make_folder(\"listed/b\")\nwrite_text(\"listed/a.txt\", \"\")\nprint(list_folder(\"listed\"))  # expect: [\"a.txt\", \"b\"]"
      ) { call in
        let path = try call.string("path")
        guard let folder = opendir(path) else { throw failure(call, "cannot read the folder \"\(path)\"") }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
          let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
          }
          if !name.hasPrefix(".") { names.append(name) }
        }
        return Value(list: names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }.map { Value($0) })
      },
      Builtin(
        "read_lines(path)", group: "files",
        "The lines of a text file, without their line ends. Errors: file-not-found, file-unreadable.",
        example:
          "write_text(\"example.txt\", \"a\\nb\\n\")\nprint(read_lines(\"example.txt\"))  # expect: [\"a\", \"b\"]"
      ) { call in
        let text = try TextFile.contents(try call.string("path"))
        return try text.withText(CoreStrings.lines) ?? .none
      },
    ]
  }

  private static var changes: [Builtin] {
    [
      Builtin(
        "append_text(path, text)", group: "files",
        "Writes at the end of a text file, which is made if it is not there. Errors: file-unwritable.",
        example:
          "write_text(\"example.log\", \"a\")\nappend_text(\"example.log\", \"b\")\nprint(read_text(\"example.log\"))  # expect: ab"
      ) { call in
        try TextFile.append(try call.string("path"), call.text("text"))
        return .none
      },
      Builtin(
        "make_folder(path)", group: "files",
        "Makes a folder, and those above it that are missing; nothing if it is there.",
        example: "make_folder(\"example/inner\")\nprint(exists(\"example/inner\"))  # expect: true"
      ) { call in
        let path = try call.string("path")
        var part = path.hasPrefix("/") ? "" : "."
        for name in path.split(separator: "/") {
          part += "/" + name
          if mkdir(part, 0o777) != 0, errno != EEXIST {
            throw call.fault(
              "file-unwritable", "the folder \(path) cannot be made: \(String(cString: strerror(errno)))",
              argument: "path"
            )
          }
        }
        return .none
      },
      Builtin(
        "remove_file(path)", group: "files",
        "Removes a file, or an empty folder. Errors: file-not-found, file-unwritable.",
        example:
          "write_text(\"gone.txt\", \"\")\nremove_file(\"gone.txt\")\nprint(exists(\"gone.txt\"))  # expect: false"
      ) { call in
        let path = try call.string("path")
        if (kind(path) == UInt32(S_IFDIR) ? rmdir(path) : unlink(path)) != 0 {
          throw failure(call, "cannot remove \"\(path)\"")
        }
        return .none
      },
      Builtin(
        "rename_file(path, to)", group: "files",
        "Moves a file or folder; a file at `to` is replaced. Errors: file-not-found, file-unwritable.",
        example:
          "write_text(\"old.txt\", \"x\")\nrename_file(\"old.txt\", \"new.txt\")\nprint(read_text(\"new.txt\"))  # expect: x"
      ) { call in
        let (path, to) = (try call.string("path"), try call.string("to"))
        if rename(path, to) != 0 { throw failure(call, "cannot move \"\(path)\" to \"\(to)\"") }
        return .none
      },
    ]
  }

  private static var paths: [Builtin] {
    [
      Builtin(
        "join_path(parts...)", group: "files",
        "Parts of a path with `/` between them; a part that begins with `/` starts anew.",
        example: "print(join_path(\"out\", \"a.csv\"), join_path(\"out/\", \"/tmp\"))  # expect: out/a.csv /tmp"
      ) { call in
        var path = ""
        for (i, part) in call.rest("parts").enumerated() {
          guard let text = part.asString else {
            throw Fault("type-mismatch", "a path is made of strings, not \(part.slot.describedType)", argument: i)
          }
          if text.isEmpty { continue }
          path = path.isEmpty || text.hasPrefix("/") ? text : path.hasSuffix("/") ? path + text : path + "/" + text
        }
        return Value(path)
      },
      Builtin(
        "file_name(path)", group: "files", "The last part of a path.",
        example: "print(file_name(\"a/b.csv\"))  # expect: b.csv"
      ) { call in Value(last(try call.string("path"))) },
      Builtin(
        "folder_of(path)", group: "files", "A path without its last part; of a single name, `.`.",
        example: "print(folder_of(\"a/b.csv\"), folder_of(\"b.csv\"))  # expect: a ."
      ) { call in
        let path = try call.string("path")
        guard let slash = path.lastIndex(of: "/") else { return Value(".") }
        return Value(slash == path.startIndex ? "/" : String(path[..<slash]))
      },
      Builtin(
        "extension(path)", group: "files",
        "What follows the last dot of a path's name, with the dot; empty if there is none.",
        example: "print(extension(\"a/b.tar.gz\"), repr(extension(\"a.b/c\")))  # expect: .gz \"\""
      ) { call in
        let name = last(try call.string("path"))
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return Value("") }
        return Value(String(name[dot...]))
      },
    ]
  }

  private static var process: [Builtin] {
    [
      Builtin(
        "current_folder()", group: "files", "The folder that relative paths begin at.",
        example: "print(current_folder().starts_with(\"/\"))  # expect: true"
      ) { _ in
        var buffer = [CChar](repeating: 0, count: 4096)
        guard getcwd(&buffer, buffer.count) != nil else { throw Fault("file-unreadable", "the current folder is gone") }
        return Value(String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
      },
      Builtin(
        "temporary_folder()", group: "files", "The path of a new, empty folder for files that are not to be kept.",
        example: "let folder = temporary_folder()\nprint(list_folder(folder))  # expect: []\nremove_file(folder)"
      ) { _ in
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array((parent + "/seep-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
          throw Fault(
            "file-unwritable", "cannot make a folder in \"\(parent)\": \(String(cString: strerror(errno)).lowercased())"
          )
        }
        return Value(String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
      },
      Builtin(
        "environment(name, default: none)", group: "system", "A variable of the process's environment, or `default`.",
        example: "print(environment(\"NO_SUCH_VARIABLE\", default: \"-\"))  # expect: -"
      ) { call in
        getenv(try call.string("name")).map { Value(String(cString: $0)) } ?? call.value("default")
      },
      Builtin(
        "read_line(prompt: \"\")", group: "system",
        "A line of standard input without its end, or `none` at the end of the input. A notebook asks for it below the cell; in tests nobody answers. Errors: no-input.",
        example: "let name = try { read_line(prompt: \"name? \") } catch e { e.code }\nprint(name)  # expect: no-input"
      ) { call in
        try call.session.input(call.session, try call.string("prompt")).map { Value($0) } ?? .none
      },
    ]
  }

  private static func last(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? ""
  }
}
