// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). A draw depends on a key and an index only, so results do not depend on threads or order.

/// Names a stream of random numbers: derived from the seed and from what the stream is for.
public struct RandomKey: Hashable, Sendable, CustomStringConvertible {
  public let low: UInt32
  public let high: UInt32

  public init(low: UInt32, high: UInt32) {
    self.low = low
    self.high = high
  }

  public init(seed: Int) {
    let mixed = RandomKey.mix(UInt64(bitPattern: Int64(seed)) &+ 0x9E37_79B9_7F4A_7C15)
    self.init(low: UInt32(truncatingIfNeeded: mixed), high: UInt32(truncatingIfNeeded: mixed >> 32))
  }

  /// A key for a part of the work, by name: `key.derive("init")`.
  public func derive(_ name: String) -> RandomKey {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a over the name's bytes, then mixed with this key
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return combined(with: hash)
  }

  /// A key for a part of the work, by number: the step, the image, the restart.
  public func derive(_ index: Int) -> RandomKey {
    combined(with: RandomKey.mix(UInt64(bitPattern: Int64(index)) ^ 0xA076_1D64_78BD_642F))
  }

  private func combined(with other: UInt64) -> RandomKey {
    let own = UInt64(high) << 32 | UInt64(low)
    let mixed = RandomKey.mix(own ^ RandomKey.mix(other))
    return RandomKey(low: UInt32(truncatingIfNeeded: mixed), high: UInt32(truncatingIfNeeded: mixed >> 32))
  }

  /// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  public var description: String { "key(\(high), \(low))" }

  /// Four independent 32-bit words: block number `counter` of this key's stream.
  @inlinable
  public func block(_ counter: UInt64) -> (UInt32, UInt32, UInt32, UInt32) {
    var c0 = UInt32(truncatingIfNeeded: counter)
    var c1 = UInt32(truncatingIfNeeded: counter >> 32)
    var c2: UInt32 = 0
    var c3: UInt32 = 0
    var k0 = low
    var k1 = high
    for _ in 0..<10 {
      let a = UInt64(c0) &* 0xD251_1F53
      let b = UInt64(c2) &* 0xCD9E_8D57
      (c0, c1, c2, c3) = (
        UInt32(truncatingIfNeeded: b >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: b),
        UInt32(truncatingIfNeeded: a >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: a)
      )
      k0 = k0 &+ 0x9E37_79B9
      k1 = k1 &+ 0xBB67_AE85
    }
    return (c0, c1, c2, c3)
  }
}

/// The words of a key's stream one after another: for shuffles and other sequential draws.
public struct RandomStream: RandomNumberGenerator, Sendable {
  public let key: RandomKey
  /// Words drawn so far; setting it resumes a stream.
  public var position: UInt64 = 0

  public init(_ key: RandomKey) { self.key = key }

  public mutating func next() -> UInt64 {
    let words = key.block(position / 2)
    defer { position += 1 }
    return position % 2 == 0
      ? UInt64(words.1) << 32 | UInt64(words.0) : UInt64(words.3) << 32 | UInt64(words.2)
  }

  /// Uniform in [0, 1), 53 bits.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform in 0..<bound (bound > 0), without bias worth measuring (64-bit multiply-shift).
  public mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

  /// A permutation of 0..<count (Fisher–Yates); after Ctrl-C, one that is less mixed.
  public mutating func permutation(_ count: Int) -> [Int] {
    var items = Array(0..<count)
    mix(&items)
    return items
  }

  /// The same for very long ones.
  /// - Throws: `interrupted`.
  public mutating func longPermutation(_ count: Int) throws -> [Int] {
    var items = try [Int](unsafeUninitializedCapacity: count) { buffer, made in
      while made < count {
        let end = min(count, made + 1 << 20)
        for i in made..<end { buffer[i] = i }
        made = end
        try Interrupt.check()
      }
    }
    mix(&items)
    try Interrupt.check()
    return items
  }

  private mutating func mix(_ items: inout [Int]) {
    for i in stride(from: items.count - 1, to: 0, by: -1) {
      if i & 0x1FFFF == 0x1FFFF, Interrupt.isRequested { break }
      items.swapAt(i, below(i + 1))
    }
  }
}
