// Folders, and the progress of a program's own loops.
import Ground
import SeepLanguage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

let folderBuiltins: [Builtin] = [
  Builtin(
    "exists(path)", group: "files", "Whether there is a file or folder at `path`.",
    example: "print(exists(\"no such file\"))  # expect: false"
  ) { call in Value(access(try call.string("path"), F_OK) == 0) },
  Builtin(
    "make_folder(path)", group: "files", "Makes a folder, and those above it that are missing; nothing if it is there.",
    example: "make_folder(\"example/inner\")\nprint(exists(\"example/inner\"))  # expect: true"
  ) { call in
    let path = try call.string("path")
    var part = path.hasPrefix("/") ? "" : "."
    for name in path.split(separator: "/") {
      part += "/" + name
      if mkdir(part, 0o777) != 0, errno != EEXIST {
        throw call.fault(
          "cannot-write", "the folder \(path) cannot be made: \(String(cString: strerror(errno)))", argument: "path")
      }
    }
    return .none
  },
]
