// swift-tools-version: 6.0
// The floors of Seep, lowest first. Each target knows only those it lists; see docs/architecture.md.
import PackageDescription

// Seep's own loops are compiled for x86-64-v3 (AVX2, FMA); `seep` checks for it at start. Other processors build as they are.
#if arch(x86_64)
  let vectorFlags = ["-Xcc", "-mavx2", "-Xcc", "-mfma", "-Xcc", "-mf16c"]
  let cVectorFlags = ["-mavx2", "-mfma", "-mf16c", "-O3"]
#else
  let vectorFlags: [String] = []
  let cVectorFlags = ["-O3"]
#endif

/// Warnings stop the build of our own targets (checked by scripts/test).
let strict: [SwiftSetting] = [.unsafeFlags(["-warnings-as-errors"])]
/// For the numeric loops and the interpreter's machine: bounds are checked once, at their doors.
let hot: [SwiftSetting] =
  strict + [.unsafeFlags(vectorFlags), .unsafeFlags(["-Ounchecked"], .when(configuration: .release))]

let package = Package(
  name: "seep",
  products: [.executable(name: "seep", targets: ["seep"])],
  dependencies: [.package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")],
  targets: [
    .target(
      name: "COneDNN", cSettings: [.unsafeFlags(cVectorFlags)],
      linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]),
    .target(name: "CBLAS", cSettings: [.unsafeFlags(cVectorFlags)], linkerSettings: [.linkedLibrary("openblas")]),
    .target(name: "CReadline", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "CImages", linkerSettings: [.linkedLibrary("png"), .linkedLibrary("jpeg"), .linkedLibrary("z")]),

    .target(name: "CSQLite", linkerSettings: [.linkedLibrary("sqlite3")]),

    .target(name: "CTape"),

    .target(name: "CZMQ", linkerSettings: [.linkedLibrary("dl")]),

    .target(name: "Ground", swiftSettings: hot),
    .target(name: "Tensors", dependencies: ["Ground", "COneDNN", "CBLAS"], swiftSettings: hot),
    .target(name: "Autodiff", dependencies: ["Tensors", "CTape"], swiftSettings: strict),
    .target(name: "Networks", dependencies: ["Autodiff", "CImages"], swiftSettings: strict),
    .target(name: "Leakage", dependencies: ["Networks", "CBLAS", "CSQLite"], swiftSettings: strict),
    .target(
      name: "SeepLanguage", dependencies: ["Ground"],
      swiftSettings: hot + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]),
    .target(name: "SeepLibrary", dependencies: ["SeepLanguage", "Leakage"], swiftSettings: strict),
    .target(name: "SeepShell", dependencies: ["SeepLibrary", "CReadline", "CZMQ"], swiftSettings: strict),
    .executableTarget(
      name: "seep",
      dependencies: ["SeepShell", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: strict),

    .executableTarget(
      name: "engine-bench", dependencies: ["Leakage"], path: "Sources/EngineBench", swiftSettings: strict),

    .target(
      name: "LanguageGrammar",
      swiftSettings: strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]),
    .executableTarget(
      name: "language-fuzz", dependencies: ["SeepLanguage", "LanguageGrammar"], path: "Sources/LanguageFuzz",
      swiftSettings: strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]),

    .target(name: "FixtureSupport", dependencies: ["Tensors"], path: "Tests/FixtureSupport", swiftSettings: strict),
    .testTarget(
      name: "SeepTests", dependencies: ["SeepLibrary", "LanguageGrammar", "FixtureSupport"], swiftSettings: strict),
    .testTarget(name: "AutodiffTests", dependencies: ["Autodiff", "FixtureSupport"], swiftSettings: strict),
    .testTarget(name: "NetworksTests", dependencies: ["Networks", "FixtureSupport"], swiftSettings: strict),
    .testTarget(name: "LeakageTests", dependencies: ["Leakage", "FixtureSupport", "CSQLite"], swiftSettings: strict),
    .testTarget(name: "SeepShellTests", dependencies: ["SeepShell", "CZMQ"], swiftSettings: strict),
    .testTarget(name: "SeepLanguageTests", dependencies: ["SeepLanguage"], swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
