// Memory that a worker and the process that started it share: what it runs now, so that a crash is known, and its counts.
import Glibc

final class SharedPage {
  /// The numbers at the beginning of the page.
  enum Field: Int {
    case index, inputs, programs, values, interrupted, slowest, slowestIndex, bytes, grammar, duplicates, script
    case findings, length
    case productions = 16
  }

  private static let codes = 4096
  private static let codeWidth = 64
  private static let codeCount = 200
  private static let input = 32768
  private static let size = input + (1 << 19)

  private let base: UnsafeMutableRawPointer

  /// The page in a file, which is made if it is not there; nil if it cannot be.
  init?(_ path: String) {
    let file = open(path, O_RDWR | O_CREAT, 0o600)
    guard file >= 0 else { return nil }
    defer { close(file) }
    guard ftruncate(file, SharedPage.size) == 0,
      let memory = mmap(nil, SharedPage.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
    else { return nil }
    base = memory
  }

  subscript(_ field: Field) -> Int {
    get { base.load(fromByteOffset: field.rawValue * 8, as: Int.self) }
    set { base.storeBytes(of: newValue, toByteOffset: field.rawValue * 8, as: Int.self) }
  }

  var productions: SIMD4<UInt64> {
    get { base.load(fromByteOffset: Field.productions.rawValue * 8, as: SIMD4<UInt64>.self) }
    set { base.storeBytes(of: newValue, toByteOffset: Field.productions.rawValue * 8, as: SIMD4<UInt64>.self) }
  }

  /// The text that runs now.
  var text: [UInt8] {
    get { Array(UnsafeRawBufferPointer(start: base + SharedPage.input, count: min(self[.length], 1 << 19))) }
    set {
      let count = min(newValue.count, 1 << 19)
      self[.length] = count
      newValue.withUnsafeBytes { if let start = $0.baseAddress { memcpy(base + SharedPage.input, start, count) } }
    }
  }

  func count(_ code: String) {
    var code = code
    code.withUTF8 { word in
      let length = min(word.count, SharedPage.codeWidth - 9)
      for slot in 0..<SharedPage.codeCount {
        let entry = base + SharedPage.codes + slot * SharedPage.codeWidth
        let name = (entry + 8).assumingMemoryBound(to: UInt8.self)
        guard let start = word.baseAddress else { return }
        if name[0] == 0 { memcpy(name, start, length) }
        if name[length] == 0, memcmp(name, start, length) == 0 {
          entry.storeBytes(of: entry.load(as: Int.self) + 1, as: Int.self)
          return
        }
      }
    }
  }

  var counts: [String: Int] {
    var found: [String: Int] = [:]
    for slot in 0..<SharedPage.codeCount {
      let entry = base + SharedPage.codes + slot * SharedPage.codeWidth
      let name = String(cString: (entry + 8).assumingMemoryBound(to: CChar.self))
      if !name.isEmpty { found[name] = entry.load(as: Int.self) }
    }
    return found
  }
}
