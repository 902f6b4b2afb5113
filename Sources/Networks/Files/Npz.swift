// NumPy's .npz: a zip of .npy members, stored or deflated (PKWARE's APPNOTE, without encryption). The central directory at
// the end says what is there; every offset, size and CRC is checked. Members are loaded into memory and their names are
// only names: nothing is ever written to disk.
import CImages
import Ground
import Tensors

public enum Npz {
  static let format = "npz"

  /// The arrays in the order of the archive's directory, named without `.npy`.
  public static func read(_ path: String) throws -> TensorFile {
    let archive = try ZipArchive(readBytes(path), path: path)
    var result = TensorFile()
    for member in archive.members {
      let name = member.name.hasSuffix(".npy") ? String(member.name.dropLast(4)) : member.name
      guard !result.names.contains(name) else { throw Fault.badFile(path, format, "two members are named \(name)") }
      result.tensors.append(try Npy.decode(archive.contents(member), name: "\(path) (member \(name))"))
      result.names.append(name)
    }
    return result
  }
}

/// CRC-32 in pieces, which Ctrl-C ends.
private func checksum(_ bytes: UnsafeRawBufferPointer) throws -> UInt32 { try checksum(bytes, after: 0) }

/// Of what follows bytes that have the checksum `crc`.
private func checksum(_ bytes: UnsafeRawBufferPointer, after crc: UInt32) throws -> UInt32 {
  var crc = crc
  for start in stride(from: 0, to: bytes.count, by: 1 << 22) {
    try Interrupt.check()
    let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(bytes.count, start + 1 << 22)])
    crc = seep_crc32(crc, piece.baseAddress, piece.count)
  }
  return crc
}

private struct ZipArchive {
  struct Member {
    var name: String
    var method: Int
    var crc: UInt32
    var packed: Int
    var size: Int
    var offset: Int
  }

  let bytes: [UInt8]
  let path: String
  private(set) var members: [Member] = []

  init(_ bytes: [UInt8], path: String) throws {
    self.bytes = bytes
    self.path = path
    let end = try endRecord()
    let count = try number(end + 10, 2)
    var position = try number(end + 16, 4)
    guard count != 0xFFFF, position != 0xFFFF_FFFF else { throw bad("zip64 archives are not supported") }
    for _ in 0..<count {
      guard try number(position, 4) == 0x0201_4B50 else { throw bad("its directory is damaged at byte \(position)") }
      let nameLength = try number(position + 28, 2)
      let skip = try nameLength + number(position + 30, 2) + number(position + 32, 2)
      guard position + 46 + nameLength <= bytes.count else { throw truncated() }
      let nameBytes = bytes[(position + 46)..<(position + 46 + nameLength)]
      guard let name = String(validating: nameBytes, as: UTF8.self) else { throw bad("a member's name is not UTF-8") }
      guard try number(position + 8, 2) & 1 == 0 else { throw bad("the member \(name) is encrypted") }
      members.append(
        Member(
          name: name, method: try number(position + 10, 2), crc: UInt32(try number(position + 16, 4)),
          packed: try number(position + 20, 4), size: try number(position + 24, 4), offset: try number(position + 42, 4)
        ))
      position += 46 + skip
    }
  }

  func contents(_ member: Member) throws -> ArraySlice<UInt8> {
    guard try number(member.offset, 4) == 0x0403_4B50 else {
      throw bad("the member \(member.name) is not where it should be")
    }
    let start = try member.offset + 30 + number(member.offset + 26, 2) + number(member.offset + 28, 2)
    guard start + member.packed <= bytes.count else { throw truncated() }
    let packed = bytes[start..<start + member.packed]
    let unpacked: ArraySlice<UInt8>
    switch member.method {
    case 0:
      guard member.packed == member.size else { throw bad("the sizes of the member \(member.name) disagree") }
      unpacked = packed
    case 8:
      guard member.size / 1032 <= member.packed, member.size <= expansionLimit(bytes.count) else {
        throw bad("the member \(member.name) claims \(member.size) bytes")
      }
      unpacked = try inflate(packed, .deflate, limit: member.size) { bad("the member \(member.name): \($0)") }[...]
    default:
      throw bad("the member \(member.name) is compressed by method \(member.method); stored and deflate are read")
    }
    guard unpacked.count == member.size else {
      throw bad("the member \(member.name) has \(unpacked.count) bytes, not the \(member.size) of the directory")
    }
    guard try unpacked.withUnsafeBytes(checksum) == member.crc else {
      throw bad("the checksum (CRC-32) of the member \(member.name) does not match")
    }
    return unpacked
  }

  /// Where the end-of-central-directory record is: within the last 64 KiB, as a comment may follow.
  private func endRecord() throws -> Int {
    guard bytes.count >= 22 else { throw bad(bytes.isEmpty ? "it is empty" : "it is not a zip archive") }
    for position in stride(from: bytes.count - 22, through: max(0, bytes.count - 22 - 65535), by: -1)
    where bytes[position] == 0x50 && bytes[position + 1] == 0x4B && bytes[position + 2] == 5 && bytes[position + 3] == 6
    {
      return position
    }
    throw bytes.starts(with: [0x50, 0x4B, 3, 4]) ? truncated() : bad("it is not a zip archive")
  }

  private func number(_ position: Int, _ count: Int) throws -> Int {
    guard position >= 0, position + count <= bytes.count else { throw truncated() }
    return (0..<count).reduce(0) { $0 | Int(bytes[position + $1]) << (8 * $1) }
  }

  private func bad(_ reason: String) -> Fault { Fault.badFile(path, Npz.format, reason) }
  private func truncated() -> Fault {
    Fault.truncatedFile(path, Npz.format, "the zip archive ends early: its directory or a member is missing")
  }
}

// MARK: Writing

extension Npz {
  /// Writes the tensors as stored (uncompressed) members, as `numpy.savez` does.
  /// - Throws: `duplicate-name`, `bad-name`, `too-large` (a zip without its 64-bit extension ends at 4 GB), `disk-full`, `file-unwritable`.
  public static func write(_ tensors: [(name: String, value: Tensor)], to path: String) throws {
    let file = try OutputFile(path)
    var directory: [UInt8] = []
    var offset = 0
    var names = Set<String>()
    for (name, value) in tensors {
      guard names.insert(name).inserted else {
        throw Fault("duplicate-name", "an npz file cannot hold two arrays named \"\(name)\"")
      }
      let member = Array("\(name).npy".utf8)
      guard member.count <= 65535 else { throw Fault("bad-name", "the name \"\(name.prefix(40))…\" is too long") }
      let head = Npy.head(of: value)
      let size = head.count + value.size * value.dtype.byteSize
      guard size < 0xFFFF_FFFF, offset < 0xFFFF_FFFF - size, names.count < 0xFFFF else {
        throw Fault(
          "too-large", "an npz file of more than 4 GB or 65,534 arrays is not written",
          help: "save(…, \"x.safetensors\")")
      }
      let crc = try withStoredBytes(value) { Int(try checksum($0, after: head.withUnsafeBytes(checksum))) }
      // Version 2.0, names in UTF-8, stored; midnight of the first of January 1980.
      let common =
        little(20, 2) + little(0x800, 2) + little(0, 2) + little(0, 2) + little(0x21, 2) + little(crc, 4)
        + little(size, 4) + little(size, 4) + little(member.count, 2) + little(0, 2)
      try file.write(little(0x0403_4B50, 4) + common + member)
      try file.write(head)
      try withStoredBytes(value) { try file.write($0) }
      directory += little(0x0201_4B50, 4) + little(20, 2) + common
      directory += little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) + little(offset, 4) + member
      offset += 30 + member.count + size
    }
    try file.write(directory)
    try file.write(
      little(0x0605_4B50, 4) + little(0, 4) + little(names.count, 2) + little(names.count, 2)
        + little(directory.count, 4)
        + little(offset, 4) + little(0, 2))
    try file.commit()
  }

  private static func little(_ number: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }
}
