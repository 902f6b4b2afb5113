// `seep kernel install`, `uninstall`, `spec`, `run`.
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

extension Commands {
  /// `seep kernel install`: writes kernel.json for this user, or for the environment in `prefix`.
  ///
  /// - Returns: 0, or 1 where it cannot be written.
  public static func installKernel(prefix: String?, name: String) -> Int32 {
    guard let folder = kernelFolder(prefix: prefix) else { return refuseHome() }
    return install(folder + "/" + name)
  }

  /// `seep kernel uninstall`.
  ///
  /// - Returns: 0, or 1 where it cannot be removed.
  public static func uninstallKernel(prefix: String?, name: String) -> Int32 {
    guard let folder = kernelFolder(prefix: prefix) else { return refuseHome() }
    return uninstall(folder + "/" + name)
  }

  /// `seep kernel spec`.
  public static func printKernelSpec() -> Int32 {
    print(String(decoding: kernelSpec.bytes, as: UTF8.self))
    return 0
  }

  private static func refuseHome() -> Int32 {
    Console.writeError("seep: there is no home folder; say where with --prefix FOLDER\n")
    return 1
  }

  /// `seep kernel run`: until a front-end shuts it down.
  ///
  /// - Parameter file: The connection file.
  /// - Returns: 0, or 1 where it cannot be read or listened at.
  public static func runKernel(_ file: String, seed: Int) -> Int32 {
    Console.endsOnSecond = false
    Console.handleInterrupts()
    do {
      let kernel = try Kernel(ConnectionFile(path: file), session(seed: seed))
      kernel.run()
      return 0
    } catch {
      let fault = error as? Fault
      Console.writeError("seep: \(fault?.message ?? "\(error)")\(fault?.help.map { "; try: \($0)" } ?? "")\n")
      return 1
    }
  }

  static var kernelSpec: JSON {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = max(0, readlink("/proc/self/exe", &buffer, buffer.count - 1))
    let program = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return [
      "argv": [.string(program), "kernel", "run", "-f", "{connection_file}"], "display_name": "Seep",
      "language": "seep", "interrupt_mode": "message", "kernel_protocol_version": "5.5",
      "metadata": ["debugger": false],
    ]
  }

  /// Where kernels are described: of an environment, or of this user.
  static func kernelFolder(prefix: String?) -> String? {
    if let prefix { return prefix + "/share/jupyter/kernels" }
    if let data = getenv("JUPYTER_DATA_DIR") { return String(cString: data) + "/kernels" }
    guard let home = getenv("HOME") else { return nil }
    #if os(macOS)
      return String(cString: home) + "/Library/Jupyter/kernels"
    #else
      if let data = getenv("XDG_DATA_HOME"), data.pointee != 0 { return String(cString: data) + "/jupyter/kernels" }
      return String(cString: home) + "/.local/share/jupyter/kernels"
    #endif
  }

  private static func install(_ place: String) -> Int32 {
    var path = place.hasPrefix("/") ? "" : "."
    for part in place.split(separator: "/") {
      path += "/" + part
      if mkdir(path, 0o755) != 0, errno != EEXIST { return refuse("make", path) }
    }
    let name = place + "/kernel.json"
    guard let file = fopen(name, "w") else { return refuse("write", name) }
    let bytes = kernelSpec.bytes
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else { return refuse("write", name) }
    print("Jupyter finds Seep in \(place)")
    return 0
  }

  private static func uninstall(_ place: String) -> Int32 {
    let name = place + "/kernel.json"
    guard unlink(name) == 0 else { return refuse("remove", name) }
    guard rmdir(place) == 0 else { return refuse("remove", place) }
    print("removed \(place)")
    return 0
  }

  private static func refuse(_ what: String, _ path: String) -> Int32 {
    Console.writeError("seep: cannot \(what) \"\(path)\": \(String(cString: strerror(errno)).lowercased())\n")
    return 1
  }
}
