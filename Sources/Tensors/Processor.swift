// What the processor and its memory can do, measured: the limits that speeds are held against.
import CBLAS
import COneDNN
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

public enum Processor {
  /// Versions of the libraries that compute, by name.
  public static var libraries: [(name: String, version: String)] {
    let blas = String(cString: seep_blas_version())
    let isNamed = blas.hasPrefix("OpenBLAS ")
    return [
      ("oneDNN", String(cString: seep_onednn_version())), ("OpenBLAS", isNamed ? String(blas.dropFirst(9)) : blas),
    ]
  }

  /// Fused multiply-adds in registers on all of Seep's threads at once, in GFLOP/s.
  public static func measuredPeak() throws -> Double {
    let rounds = 20_000_000
    let seconds = try fastest(of: 5) {
      try Threads.run(pieces: Threads.count) { _ in
        // The sum is finite by construction; testing it keeps the loop from being dropped.
        guard seep_peak_loop(rounds).isFinite else { throw Fault("engine-failure", "the peak loop overflowed") }
      }
    }
    return 2 * 12 * 8 * Double(rounds) * Double(Threads.count) / seconds / 1e9
  }

  /// A product of two square float32 matrices, in GFLOP/s.
  public static func measuredProduct(size: Int) throws -> Double {
    let (a, b) = (try Tensor.full([size, size], 0.5), try Tensor.full([size, size], 0.25))
    let seconds = try fastest(of: 5) { _ = try Tensor.matmul(a, b) }
    return 2 * Double(size * size * size) / seconds / 1e9
  }

  /// A convolution of `batch` images with as many channels in as out and a square kernel, in GFLOP/s.
  public static func measuredConvolution(batch: Int, channels: Int, size: Int, kernel: Int) throws -> Double {
    let x = try Tensor.full([batch, channels, size, size], 0.5)
    let w = try Tensor.full([channels, channels, kernel, kernel], 0.25)
    let geometry = ConvGeometry(padding: kernel / 2)
    let seconds = try fastest(of: 5) { _ = try Tensor.conv2d(x, w, geometry) }
    return 2 * Double(batch * channels * size * size * channels * kernel * kernel) / seconds / 1e9
  }

  /// Copying memory that no cache holds, on all threads, reading and writing counted, in GB/s.
  public static func measuredBandwidth() throws -> Double {
    let (piece, pieces) = (4 << 20, 48)
    try MemoryBudget.reserve(2 * piece * pieces, for: "memory to copy")
    defer { MemoryBudget.release(2 * piece * pieces) }
    let from = UnsafeMutableRawPointer.allocate(byteCount: piece * pieces, alignment: 64)
    let to = UnsafeMutableRawPointer.allocate(byteCount: piece * pieces, alignment: 64)
    defer {
      from.deallocate()
      to.deallocate()
    }
    memset(from, 1, piece * pieces)
    memset(to, 2, piece * pieces)
    nonisolated(unsafe) let (source, target) = (from, to)
    let seconds = try fastest(of: 5) {
      try Threads.run(pieces: pieces) { memcpy(target + $0 * piece, source + $0 * piece, piece) }
    }
    return 2 * Double(piece * pieces) / seconds / 1e9
  }

  /// Seconds of the fastest of several runs, after one that is not counted.
  private static func fastest(of runs: Int, _ body: () throws -> Void) throws -> Double {
    let clock = ContinuousClock()
    try body()
    return try (0..<runs).map { _ in
      let spent = try clock.measure { try body() }
      return Double(spent.components.seconds) + Double(spent.components.attoseconds) * 1e-18
    }.min() ?? 0
  }
}
