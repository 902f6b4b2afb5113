// Folders of pictures with what they show: a folder for each class (as torchvision's ImageFolder), a table of files and labels, or a file of
// attributes as CelebA's (list_attr_celeba.txt: a count, the attributes' names, then a file and -1 or 1 for each).
import Autodiff
import Ground
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Names in a folder, sorted, without those that begin with a dot.
/// - Throws: `file-not-found`, `file-unreadable`.
func names(in folder: String) throws -> [String] {
  guard let listing = opendir(folder) else { throw Fault.system(folder, "read", errno) }
  defer { closedir(listing) }
  var result: [String] = []
  while let entry = readdir(listing) {
    let name = withUnsafePointer(to: entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if !name.hasPrefix(".") { result.append(name) }
  }
  return result.sorted()
}

/// Whether there is a folder of this name.
public func isFolder(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && (status.st_mode & S_IFMT) == S_IFDIR
}

/// Pictures that are not loaded yet.
public struct ImageFolder: Sendable {
  public private(set) var paths: [String] = []
  public private(set) var labels: [Int] = []
  /// What the labels 0, 1, … stand for.
  public private(set) var classes: [String] = []

  /// A folder with a folder of pictures for each class, named in the order of their names; or one of pictures only, all of one class.
  /// - Throws: `file-not-found`, `no-images`.
  public init(_ folder: String) throws {
    let inside = try names(in: folder)
    classes = inside.filter { isFolder("\(folder)/\($0)") }
    if classes.isEmpty {
      classes = [folder.split(separator: "/").last.map(String.init) ?? folder]
      paths = inside.filter(ImageFolder.isPicture).map { "\(folder)/\($0)" }
      labels = paths.map { _ in 0 }
    } else {
      for (label, name) in classes.enumerated() {
        let own = try names(in: "\(folder)/\(name)").filter(ImageFolder.isPicture)
        paths += own.map { "\(folder)/\(name)/\($0)" }
        labels += own.map { _ in label }
      }
    }
    try requireImages(folder)
  }

  /// The pictures of a folder that a list names.
  /// - Parameters:
  ///   - list: CelebA's file of attributes, or a table with a first line of names, whose first column is the file.
  ///   - attribute: which column is the label; nil where there is one.
  /// - Throws: `bad-file`, `unknown-option`, `no-images`.
  public init(_ folder: String, listed list: String, attribute: String?) throws {
    let table = try LabelTable(list)
    let column = try table.column(attribute)
    let words = table.rows.map { $0.values[column] }
    if words.allSatisfy({ $0 == "-1" || $0 == "1" }), words.contains("-1") {
      classes = ["not \(table.names[column])", String(table.names[column])]
      labels = words.map { $0 == "1" ? 1 : 0 }
    } else if words.allSatisfy({ Int($0).map { $0 >= 0 && $0 < 1 << 20 } ?? false }) {
      labels = words.compactMap { Int($0) }
      classes = (0...(labels.max() ?? 0)).map(String.init)
    } else {
      let known = Set(words).sorted()
      classes = known.map(String.init)
      let places = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, $0) })
      labels = words.map { places[$0] ?? 0 }
    }
    paths = try table.rows.map { row in
      guard !row.file.hasPrefix("/"), !row.file.split(separator: "/").contains("..") else {
        throw Fault.badFile(list, "a list of images", "\"\(row.file)\" is not inside the folder")
      }
      return "\(folder)/\(row.file)"
    }
    try requireImages(list)
  }

  private func requireImages(_ path: String) throws {
    if paths.isEmpty { throw Fault("no-images", "there are no PNG or JPEG images in \(path)") }
  }

  static func isPicture(_ name: String) -> Bool {
    let name = name.lowercased()
    return [".png", ".jpg", ".jpeg"].contains(where: name.hasSuffix)
  }

  /// The first `limit` pictures as float32 `[n, channels, size, size]` in 0…1: the middle square, resized by area; with their labels, int64
  /// `[n]`. Without a size all must have the same.
  /// - Throws: `bad-file` naming the picture, `shape-mismatch`, `out-of-memory`.
  public func load(size: Int?, grey: Bool, limit: Int?, progress: (Int, Int) throws -> Void) throws -> (
    images: Tensor, labels: Tensor
  ) {
    let count = min(paths.count, limit ?? paths.count)
    // A grey picture among coloured ones counts as coloured, so what is kept first may be widened later.
    var images: [Tensor] = []
    for (index, path) in paths[..<count].enumerated() {
      try progress(index, count)
      var image = Variable(try StoredImage.read(path).opaque(grey: grey))
      if let size { image = try image.middleSquare(size) }
      if let first = images.first, first.shape[1...] != image.shape[1...] {
        throw Fault(
          "shape-mismatch",
          "\(path) has \(image.shape[2])×\(image.shape[1]) pixels and \(paths[0]) has \(first.shape[2])×\(first.shape[1])",
          help: "size: 64")
      }
      images.append(image.value)
    }
    let channels = images.map { $0.shape[0] }.max() ?? 1
    let wide = try images.map { $0.shape[0] == channels ? $0 : try $0.broadcast(to: [channels] + $0.shape[1...]) }
    return (
      try Tensor.concat(wide.map { try $0.unsqueeze(axis: 0) }, axis: 0),
      try Tensor(labels[..<count].map(Int64.init), shape: [count])
    )
  }
}

extension Variable {
  /// `[c, h, w]` to `[c, size, size]`: the middle square, resized by area.
  public func middleSquare(_ size: Int) throws -> Variable {
    let (height, width) = (shape[1], shape[2])
    let side = Swift.min(height, width)
    let (top, left) = ((height - side) / 2, (width - side) / 2)
    return try slice(axis: 1, from: top, to: top + side).slice(axis: 2, from: left, to: left + side)
      .resize(height: size, width: size, mode: .area)
  }
}

/// A file of attributes or a table, by lines.
struct LabelTable {
  static let format = "a list of images"
  var names: [Substring] = []
  var rows: [(file: Substring, values: [Substring])] = []
  private let path: String

  init(_ path: String) throws {
    self.path = path
    let bytes = try readBytes(path)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Fault.badFile(path, LabelTable.format, "it is not text in UTF-8")
    }
    var lines = text.split(whereSeparator: \.isNewline)[...]
    guard let first = lines.popFirst() else { throw Fault.badFile(path, LabelTable.format, "it is empty") }
    if let count = Int(first.trimmed) {
      guard let heading = lines.popFirst() else {
        throw Fault.badFile(path, LabelTable.format, "no line of names follows its count")
      }
      names = heading.split(separator: " ")
      guard lines.count == count else {
        throw Fault.truncatedFile(path, LabelTable.format, "it claims \(count) images and lists \(lines.count)")
      }
      rows = try lines.enumerated().map { try row($1.split(separator: " "), line: $0 + 3) }
    } else {
      let by: Character = first.contains(",") ? "," : first.contains("\t") ? "\t" : " "
      func fields(_ line: Substring) -> [Substring] {
        line.split(separator: by, omittingEmptySubsequences: by == " ").map(\.trimmed)
      }
      names = Array(fields(first).dropFirst())
      rows = try lines.enumerated().map { try row(fields($1), line: $0 + 2) }
    }
    guard !names.isEmpty else {
      throw Fault.badFile(path, LabelTable.format, "its first line names no attribute beside the file")
    }
  }

  private func row(_ fields: [Substring], line: Int) throws -> (file: Substring, values: [Substring]) {
    guard let file = fields.first, !file.isEmpty, fields.count == names.count + 1 else {
      throw Fault.badFile(
        path, LabelTable.format, "line \(line) has \(max(fields.count - 1, 0)) values for \(names.count) attributes")
    }
    return (file, Array(fields.dropFirst()))
  }

  func column(_ attribute: String?) throws -> Int {
    guard let attribute else {
      if names.count == 1 { return 0 }
      throw Fault(
        "unknown-option", "\(path) has \(names.count) attributes, and one must be chosen",
        notes: ["They are \(names.prefix(12).joined(separator: ", "))\(names.count > 12 ? ", …" : "")."],
        help: "attribute: \"\(names.first(where: { $0 == "Male" }) ?? names[0])\"")
    }
    guard let found = names.firstIndex(where: { $0 == attribute }) else {
      throw Fault(
        "unknown-option", "\(path) has no attribute \"\(attribute)\"",
        help: nearestName(to: attribute, among: names.map(String.init)))
    }
    return found
  }
}

extension Substring {
  /// Without white space at its ends.
  fileprivate var trimmed: Substring {
    var result = self
    while result.first?.isWhitespace == true { result.removeFirst() }
    while result.last?.isWhitespace == true { result.removeLast() }
    return result
  }
}
