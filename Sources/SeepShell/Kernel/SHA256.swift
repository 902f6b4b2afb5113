// SHA-256 (FIPS 180-4) and HMAC (RFC 2104): what signs the messages of a notebook. The messages are short; clarity before speed.

package struct SHA256 {
  private static let rounds: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var tail: [UInt8] = []
  private var count = 0
  private var words = [UInt32](repeating: 0, count: 64)

  mutating func update(_ bytes: some Collection<UInt8>) {
    count += bytes.count
    for byte in bytes {
      tail.append(byte)
      if tail.count == 64 {
        block()
        tail.removeAll(keepingCapacity: true)
      }
    }
  }

  /// The 32 bytes; the state is used up.
  mutating func finish() -> [UInt8] {
    let bits = UInt64(count) * 8
    var end: [UInt8] = [0x80]
    end += [UInt8](repeating: 0, count: (119 - count % 64) % 64)
    end += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) }
    update(end)
    return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * UInt32($0))) } }
  }

  private mutating func block() {
    func turned(_ x: UInt32, _ by: UInt32) -> UInt32 { x >> by | x << (32 - by) }
    for i in 0..<16 { words[i] = (0..<4).reduce(0) { $0 << 8 | UInt32(tail[4 * i + $1]) } }
    for i in 16..<64 {
      let (a, b) = (words[i - 15], words[i - 2])
      let s0 = turned(a, 7) ^ turned(a, 18) ^ a >> 3
      let s1 = turned(b, 17) ^ turned(b, 19) ^ b >> 10
      words[i] = words[i - 16] &+ s0 &+ words[i - 7] &+ s1
    }
    var v = state
    for i in 0..<64 {
      let s1 = turned(v[4], 6) ^ turned(v[4], 11) ^ turned(v[4], 25)
      let choice = (v[4] & v[5]) ^ (~v[4] & v[6])
      let first = v[7] &+ s1 &+ choice &+ SHA256.rounds[i] &+ words[i]
      let s0 = turned(v[0], 2) ^ turned(v[0], 13) ^ turned(v[0], 22)
      let most = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])
      v = [first &+ s0 &+ most, v[0], v[1], v[2], v[3] &+ first, v[4], v[5], v[6]]
    }
    for i in 0..<8 { state[i] = state[i] &+ v[i] }
  }

  package static func of(_ bytes: [UInt8]) -> [UInt8] {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finish()
  }

  /// HMAC-SHA256 of the parts one after another, as lower-case hexadecimal digits.
  package static func hmac(_ parts: [[UInt8]], key: [UInt8]) -> String {
    var padded = key.count > 64 ? of(key) : key
    padded += [UInt8](repeating: 0, count: 64 - padded.count)
    var inner = SHA256()
    inner.update(padded.map { $0 ^ 0x36 })
    for part in parts { inner.update(part) }
    var outer = SHA256()
    outer.update(padded.map { $0 ^ 0x5c })
    outer.update(inner.finish())
    return outer.finish().map { byte in
      let text = String(byte, radix: 16)
      return byte < 16 ? "0" + text : text
    }.joined()
  }
}
