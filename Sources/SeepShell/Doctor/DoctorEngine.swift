// What computes: libraries, processor, memory, and how fast they are.
import CReadline
import CZMQ
import Ground
import Leakage
import Networks
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Doctor {
  static func libraries() -> [DoctorFinding] {
    let linked = Processor.libraries + FileLibraries.versions + [(name: "SQLite", version: Journal.libraryVersion)]
    var findings = linked.map { DoctorFinding(.ok, "\($0.name) \($0.version)") }
    if seep_readline_load() == 0 {
      findings.append(DoctorFinding(.ok, "readline \(String(cString: seep_readline_version()))"))
    } else {
      findings.append(
        DoctorFinding(
          .note, "readline was not found: the prompt reads lines without editing, history and completion",
          advice: "apt-get install libreadline8"))
    }
    if seep_zmq_load() == 0 {
      var numbers = [Int32](repeating: 0, count: 3)
      seep_zmq_version(&numbers)
      findings.append(DoctorFinding(.ok, "libzmq \(numbers.map(String.init).joined(separator: "."))"))
    } else {
      findings.append(
        DoctorFinding(.note, "libzmq was not found: notebooks need it", advice: "apt-get install libzmq5"))
    }
    return findings
  }

  static func processor() -> [DoctorFinding] {
    var findings: [DoctorFinding] = []
    #if arch(x86_64)
      if let feature = Console.missingProcessorFeature {
        findings.append(
          DoctorFinding(
            .missing, "no \(feature), which this build needs (x86-64-v3)",
            advice: "Use a processor of 2013 or later, or build Seep without `vectorFlags` in Package.swift."))
      } else {
        findings.append(DoctorFinding(.ok, "x86-64 with AVX2, FMA, F16C"))
      }
    #else
      findings.append(DoctorFinding(.ok, "built for this processor without vector options"))
    #endif
    let processors = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let given = getenv("SEEP_THREADS").map { String(cString: $0) }
    let source = given.map { "SEEP_THREADS is \"\($0)\"" } ?? "SEEP_THREADS is not set"
    let threads = "\(processors) processors, \(Threads.count) threads of Seep (\(source))"
    if let given, Int(given) != Threads.count {
      findings.append(DoctorFinding(.note, threads, advice: "SEEP_THREADS is a whole number from 1 to 64."))
    } else if Threads.count > processors {
      findings.append(
        DoctorFinding(.note, threads, advice: "More threads than processors are slower: unset SEEP_THREADS."))
    } else {
      findings.append(DoctorFinding(.ok, threads))
    }
    findings.append(DoctorFinding(.fact, "oneDNN and OpenBLAS use one thread each inside of a piece of Seep's work"))
    let limit = MemoryBudget.describe(MemoryBudget.limit)
    if MemoryBudget.limit < 1 << 30 {
      findings.append(
        DoctorFinding(
          .note, "\(limit) of memory for tensors", advice: "Networks for photographs need more than 1 GiB."))
    } else {
      findings.append(DoctorFinding(.ok, "\(limit) of memory for tensors, nine tenths of what this machine allows"))
    }
    return findings
  }

  static func speed() throws -> [DoctorFinding] {
    func rate(_ value: Double) -> String { String(Int(value.rounded())) }
    let peak = try Processor.measuredPeak()
    func share(_ value: Double) -> String { "\(rate(value)) GFLOP/s, \(rate(100 * value / peak)) % of the limit" }
    let product = try Processor.measuredProduct(size: 1024)
    let convolution = try Processor.measuredConvolution(batch: 16, channels: 64, size: 32, kernel: 5)
    let bandwidth = try Processor.measuredBandwidth()
    return [
      DoctorFinding(.fact, "limit of float32 multiply-adds: \(rate(peak)) GFLOP/s on \(Threads.count) threads"),
      DoctorFinding(.fact, "product of 1024 × 1024: \(share(product))"),
      DoctorFinding(.fact, "convolution 5 × 5 of [16, 64, 32, 32], 64 channels: \(share(convolution))"),
      DoctorFinding(.fact, "copying memory: \((bandwidth * 10).rounded() / 10) GB/s"),
    ]
  }
}
