// Raw memory of tensors: aligned, counted against the memory budget, and reused through free lists by size.
import Ground
import Synchronization

/// A block of memory that one or more tensors look at. Written only by the one who just made it.
final class Storage: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  let byteCount: Int
  private let capacity: Int

  init(byteCount: Int, describing shape: @autoclosure () -> String) throws {
    let (pointer, capacity) = try MemoryPool.take(byteCount, shape())
    base = pointer
    self.byteCount = byteCount
    self.capacity = capacity
  }

  deinit { MemoryPool.give(base, capacity) }
}

/// Free blocks by size class (powers of two and their 1.5-folds up to 16 MiB); larger ones go back to the system.
enum MemoryPool {
  private static let smallest = 64
  private static let largestPooled = 16 << 20
  private static let keepBytes = 256 << 20

  private struct State {
    var lists: [Int: [UnsafeMutableRawPointer]] = [:]
    var kept = 0
  }
  private nonisolated(unsafe) static var state = State()
  private static let lock = Mutex<Void>(())

  private static func sizeClass(_ bytes: Int) -> Int {
    if bytes <= smallest { return smallest }
    let power = 1 << (Int.bitWidth - (bytes - 1).leadingZeroBitCount)
    let between = power / 4 * 3
    return bytes <= between && between % 64 == 0 ? between : power
  }

  static func take(_ bytes: Int, _ what: @autoclosure () -> String) throws -> (UnsafeMutableRawPointer, Int) {
    let capacity = bytes <= largestPooled ? sizeClass(max(bytes, 1)) : (bytes + 63) & ~63
    try MemoryBudget.reserve(capacity, for: what())
    if capacity <= largestPooled {
      let reused = lock.withLock { _ -> UnsafeMutableRawPointer? in
        guard let pointer = state.lists[capacity]?.popLast() else { return nil }
        state.kept -= capacity
        return pointer
      }
      if let reused { return (reused, capacity) }
    }
    return (UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64), capacity)
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
    pointer.deallocate()
  }
}
