// Raw memory of tensors: aligned, counted against the memory budget, and reused through free lists by size.
//
// A block may hold images [n, channels, height, width] in the order that convolutions like: channels in blocks of 8 or 16,
// [n, channels / block, height, width, block]. Who asks for plain row-major memory gets it: it is made once and kept. So only
// the kernels that can work on blocks know of them, and everything else is right without.
import CBLAS
import Ground
import Synchronization

/// Images in channel blocks.
struct BlockForm: Equatable {
  let images, channels, pixels, block: Int
  var count: Int { images * channels * pixels }
}

/// Weights as a kernel wants them, kept beside the plain ones.
struct PackKey: Equatable {
  let kernel, layout, first, count: Int
}

/// Memory that goes back to the pool with its last owner.
final class Block: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  private let capacity: Int

  init(byteCount: Int, describing what: @autoclosure () -> String) throws {
    (base, capacity) = try MemoryPool.take(byteCount, what())
  }

  /// Whatever the budget says: for a second form of numbers that were counted, where nobody could be told.
  init(anyway byteCount: Int) { (base, capacity) = MemoryPool.takeAnyway(byteCount) }

  deinit { MemoryPool.give(base, capacity) }
}

/// A block of memory that one or more tensors look at. Written only by the one who just made it.
final class Storage: @unchecked Sendable {
  let byteCount: Int
  /// nil until someone asks for plain memory of blocked images.
  private let plainBase: Atomic<UnsafeMutableRawPointer?>
  private var plain: Block?
  private var blocks: Block?
  private(set) var form: BlockForm?
  private var packs: [(key: PackKey, block: Block)] = []

  /// Plain memory.
  init(byteCount: Int, describing shape: @autoclosure () -> String) throws {
    let block = try Block(byteCount: byteCount, describing: shape())
    plain = block
    plainBase = Atomic(block.base)
    self.byteCount = byteCount
  }

  /// Images in blocks, to be filled by who made them.
  init(_ form: BlockForm) throws {
    byteCount = form.count * 4
    blocks = try Block(
      byteCount: byteCount, describing: "a float32 tensor of \(form.images) images of \(form.channels) channels")
    plainBase = Atomic(nil)
    self.form = form
  }

  /// Plain row-major memory.
  var base: UnsafeMutableRawPointer {
    if let base = plainBase.load(ordering: .acquiring) { return base }
    return madePlain()
  }

  /// Making another form of the same numbers: rare and short, so one lock serves all.
  private static let lock = Mutex<Void>(())

  private func madePlain() -> UnsafeMutableRawPointer {
    Storage.lock.withLock { _ in
      if let base = plainBase.load(ordering: .acquiring) { return base }
      // Images in blocks exist without plain memory only through the initialiser above.
      guard let form, let blocks else { preconditionFailure("storage without memory") }
      let made = Block(anyway: byteCount)
      convert(blocks.base, made.base, form, toBlocks: false)
      plain = made
      plainBase.store(made.base, ordering: .releasing)
      return made.base
    }
  }

  /// The images in blocks, made from plain memory if need be; nil where they are kept in other blocks.
  func blocked(_ wanted: BlockForm) throws -> UnsafeMutablePointer<Float>? {
    if let blocks, form == wanted { return blocks.base.assumingMemoryBound(to: Float.self) }
    guard wanted.count * 4 == byteCount else { return nil }
    let source = base
    return try Storage.lock.withLock { _ in
      if let blocks, form == wanted { return blocks.base.assumingMemoryBound(to: Float.self) }
      guard blocks == nil else { return nil }
      let made = try Block(byteCount: byteCount, describing: "images in channel blocks")
      convert(source, made.base, wanted, toBlocks: true)
      blocks = made
      form = wanted
      return made.base.assumingMemoryBound(to: Float.self)
    }
  }

  private func convert(
    _ from: UnsafeMutableRawPointer, _ to: UnsafeMutableRawPointer, _ form: BlockForm, toBlocks: Bool
  ) {
    nonisolated(unsafe) let (from, to) = (
      from.assumingMemoryBound(to: Float.self), to.assumingMemoryBound(to: Float.self)
    )
    let groups = form.images * form.channels / form.block
    let size = form.pixels * form.block
    Threads.always(pieces: groups, grain: max(1, (1 << 16) / size)) { range in
      for group in range {
        seep_block_channels(from + group * size, to + group * size, form.pixels, form.block, toBlocks ? 1 : 0)
      }
    }
  }

  /// Numbers derived from these that a kernel asks for again and again (weights in its order): made once, `fill`ed at the first
  /// call, kept as long as the storage.
  func pack(
    _ key: PackKey, byteCount: Int, fill: (UnsafeMutableRawPointer) throws -> Void
  ) throws -> UnsafeMutableRawPointer {
    if let found = Storage.lock.withLock({ _ in packs.first { $0.key == key }?.block.base }) { return found }
    let made = try Block(byteCount: byteCount, describing: "weights in the order of a convolution")
    try fill(made.base)
    return Storage.lock.withLock { _ in
      if let found = packs.first(where: { $0.key == key }) { return found.block.base }
      packs.append((key, made))
      return made.base
    }
  }
}

/// Free blocks by size class (powers of two and their 1.5-folds up to 256 MiB); larger ones go back to the system.
enum MemoryPool {
  private static let smallest = 64
  private static let largestPooled = 256 << 20
  private static let keepBytes = min(1 << 30, MemoryBudget.limit / 8)

  private struct State {
    var lists: [Int: [UnsafeMutableRawPointer]] = [:]
    var kept = 0
    /// Large blocks that were given back after Ctrl-C: the system takes long to take them, and somebody waits for the prompt.
    var postponed: [UnsafeMutableRawPointer] = []
  }
  private nonisolated(unsafe) static var state = State()
  private static let lock = Mutex<Void>(())

  private static func sizeClass(_ bytes: Int) -> Int {
    if bytes <= smallest { return smallest }
    let power = 1 << (Int.bitWidth - (bytes - 1).leadingZeroBitCount)
    let between = power / 4 * 3
    return bytes <= between && between % 64 == 0 ? between : power
  }

  private static func capacity(_ bytes: Int) -> Int {
    bytes <= largestPooled ? sizeClass(max(bytes, 1)) : (bytes + 63) & ~63
  }

  static func take(_ bytes: Int, _ what: @autoclosure () -> String) throws -> (UnsafeMutableRawPointer, Int) {
    let capacity = self.capacity(bytes)
    try MemoryBudget.reserve(capacity, for: what())
    return (allocate(capacity), capacity)
  }

  static func takeAnyway(_ bytes: Int) -> (UnsafeMutableRawPointer, Int) {
    let capacity = self.capacity(bytes)
    MemoryBudget.reserveAnyway(capacity)
    return (allocate(capacity), capacity)
  }

  private static func allocate(_ capacity: Int) -> UnsafeMutableRawPointer {
    if capacity <= largestPooled {
      let reused = lock.withLock { _ -> UnsafeMutableRawPointer? in
        guard let pointer = state.lists[capacity]?.popLast() else { return nil }
        state.kept -= capacity
        return pointer
      }
      if let reused { return reused }
    }
    if !Interrupt.isRequested {
      let postponed = lock.withLock { _ in
        defer { state.postponed = [] }
        return state.postponed
      }
      for block in postponed { block.deallocate() }
    }
    return UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
  }

  static func give(_ pointer: UnsafeMutableRawPointer, _ capacity: Int) {
    MemoryBudget.release(capacity)
    if capacity <= largestPooled {
      let kept = lock.withLock { _ -> Bool in
        guard state.kept + capacity <= keepBytes else { return false }
        state.lists[capacity, default: []].append(pointer)
        state.kept += capacity
        return true
      }
      if kept { return }
    }
    if capacity >= 8 << 20, Interrupt.isRequested {
      lock.withLock { _ in state.postponed.append(pointer) }
      return
    }
    pointer.deallocate()
  }
}
