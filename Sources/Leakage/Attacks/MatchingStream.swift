// Matching a whole population without derivatives: for every candidate only a few sums of each gradient tensor are kept, never the
// gradients. Where the objective needs entries (pruning, thresholds) they are looked at one tensor of one candidate at a time.
import Autodiff
import CBLAS
import Ground
import Networks
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Sums over one tensor of one candidate's imitated gradient v beside what was received, y.
struct MatchSums {
  /// Σ v², before clipping's factor.
  var squares = 0.0
  /// Σ v·y, likewise.
  var product = 0.0
  /// Σ (v − y)² where it was summed as such; else it follows from the others.
  var distance: Double?
}

extension Matching {
  /// How a chain of imitations is evaluated by sums: clipping (before or after), and a choice of entries.
  public struct StreamPlan {
    enum Entries { case all, above(Double), received, censored([Double]) }
    var entries = Entries.all
    var bounds: [Double]?
    var fits = false
    var perLayer = false
    /// The norm that clipping looks at is that of the chosen entries.
    var clipsChosen = false
  }

  /// nil where the imitation or the distance needs whole gradients.
  public var streamPlan: StreamPlan? {
    guard distance.isOfSums, target.allSatisfy({ $0.dtype == .float32 }) else { return nil }
    var plan = StreamPlan()
    var (scaled, chosen) = (false, false)
    for kind in imitation.kinds {
      switch kind {
      case .clip(let bounds, let perLayer) where !scaled:
        (plan.bounds, plan.perLayer, plan.clipsChosen, scaled) = (bounds, perLayer, chosen, true)
      case .fit(let perLayer) where !scaled:
        (plan.fits, plan.perLayer, scaled) = (true, perLayer, true)
      case .percentile(let percent) where !chosen: (plan.entries, chosen) = (.above(percent), true)
      case .censored(let thresholds) where !chosen:
        // Thresholds that were measured after clipping say nothing about a gradient that is clipped later.
        let hides = thresholds.allSatisfy { $0 == .infinity }
        if !hides, plan.fits { return nil }
        (plan.entries, chosen) = (hides ? .received : .censored(thresholds), true)
      default: return nil
      }
    }
    if case .censored = plan.entries, plan.clipsChosen { return nil }
    if plan.fits, case .above = plan.entries { return nil }
    return plan
  }

  /// The distance of each candidate, differentiable: by sums where a layer has them cheaply and the imitation needs no entries.
  public func callAsFunction(_ candidates: [TrackedGradient]) throws -> Variable {
    guard let plan = streamPlan, case .all = plan.entries, !plan.fits, candidates.count == target.count else {
      return try callAsFunction(candidates.map { try $0.gradients() })
    }
    let needsScale = plan.bounds != nil || (distance != .l2 && distance != .l2norm)
    var squares: [Variable?] = []
    var products: [Variable?] = []
    var distances: [Variable?] = []
    for (l, candidate) in candidates.enumerated() {
      if let sums = candidate.sums {
        let (s, p) = try sums(target[l])
        squares.append(s)
        products.append(p)
        distances.append(nil)
      } else {
        let g = try candidate.gradients()
        squares.append(needsScale ? try g.rowDistances() : nil)
        products.append(needsScale ? try product(g, target[l], g.shape[0]) : nil)
        distances.append(needsScale ? nil : try g.rowDistances(target[l]))
      }
    }
    if let bounds = plan.bounds {
      let known = squares.compactMap { $0 }
      guard let first = known.first else { throw Fault("empty", "there are no gradient tensors to compare") }
      let shared = plan.perLayer ? nil : try known.dropFirst().reduce(first) { try $0 + $1 }
      for l in squares.indices {
        guard let s = squares[l], let p = products[l] else { continue }
        let factor = try (bounds[l] / ((shared ?? s).sqrt() + Clip.guardTerm)).clamp(0, 1)
        squares[l] = try s * factor.square()
        products[l] = try p * factor
      }
    }
    func pair(_ l: Int) throws -> (squares: Variable, products: Variable) {
      guard let s = squares[l], let p = products[l] else { throw Fault("empty", "a gradient tensor was not summed") }
      return (s, p)
    }
    let total: Variable
    switch distance {
    case .l2, .l1, .tag, .cosineMasked:  // there is no plan for the last three
      total = try sum { l in
        if let own = distances[l] { return own }
        let (s, p) = try pair(l)
        return try s - p * 2 + targetSquares(l)
      }
    case .l2norm:
      total = try sum { l in
        if let own = distances[l] { return try lengthened(own) }
        let (s, p) = try pair(l)
        return try lengthened((s - p * 2 + targetSquares(l)).relu())
      }
    case .cosine, .angular:
      let own = try sum { try pair($0).squares }.sqrt()
      let inner = try sum { try pair($0).products }
      let norm = try chosen.reduce(0.0) { $0 + weights[$1] * (try targetSquares($1)) }.squareRoot()
      let apart = try 1 - inner / (own * norm)
      total = try distance == .angular ? apart.angles() : apart
    case .cosineLocal:
      total = try sum(weighted: false) { l in
        let (s, p) = try pair(l)
        let own = try s.sqrt().maximum(Variable.constant(1e-10, s.dtype))
        return try 1 - p / (own * max(targetSquares(l).squareRoot(), 1e-10))
      }
    }
    return scale == 1 ? total : try total * scale
  }

  /// The distance of each candidate, as `callAsFunction` has it.
  public func distances(_ sources: [any GradientSource], _ plan: StreamPlan) throws -> [Double] {
    guard sources.count == target.count, let count = sources.first?.candidates else {
      throw Fault("shape-mismatch", "\(sources.count) gradients were given for the \(target.count) tensors received")
    }
    var factors = [[Double]](repeating: [Double](repeating: 1, count: count), count: sources.count)
    var sums: [[MatchSums]]
    if case .censored = plan.entries, let bounds = plan.bounds {
      // What exceeds a threshold depends on the factor, so that is found first.
      factors = clipFactors(try sources.map(squares), bounds, plan)
      sums = try sources.indices.map { try self.sums(sources[$0], $0, plan, factors[$0]).chosen }
    } else {
      let parts = try sources.indices.map { try self.sums(sources[$0], $0, plan, nil) }
      sums = parts.map(\.chosen)
      if let bounds = plan.bounds {
        factors = clipFactors(plan.clipsChosen ? sums.map { $0.map(\.squares) } : parts.map(\.all), bounds, plan)
      } else if plan.fits {
        factors = fitFactors(parts.map(\.received), plan)
      }
      for l in sums.indices {
        for i in 0..<count where factors[l][i] != 1 {
          let c = factors[l][i]
          sums[l][i] = MatchSums(squares: c * c * sums[l][i].squares, product: c * sums[l][i].product)
        }
      }
    }
    return try (0..<count).map { i in try distance(sums.map { $0[i] }) * scale }
  }

  private func distance(_ sums: [MatchSums]) throws -> Double {
    var total = 0.0
    switch distance {
    case .l2, .l2norm, .l1, .tag, .cosineMasked:
      for l in chosen {
        let own = try sums[l].distance ?? max(0, sums[l].squares - 2 * sums[l].product + targetSquares(l))
        total += weights[l] * (distance == .l2norm ? own.squareRoot() : own)
      }
    case .cosine, .angular:
      var (own, inner, theirs) = (0.0, 0.0, 0.0)
      for l in chosen {
        own += weights[l] * sums[l].squares
        inner += weights[l] * sums[l].product
        theirs += weights[l] * (try targetSquares(l))
      }
      total = 1 - inner / (own.squareRoot() * theirs.squareRoot())
      if distance == .angular {
        total = acos(min(max(1 - total, -1 + Distance.leastAngle), 1 - Distance.leastAngle)) / Double.pi
      }
    case .cosineLocal:
      for l in chosen {
        let theirs = try targetSquares(l)
        total += 1 - sums[l].product / (max(sums[l].squares.squareRoot(), 1e-10) * max(theirs.squareRoot(), 1e-10))
      }
    }
    return total
  }

  private func squares(_ source: any GradientSource) throws -> [Double] {
    if source.hasCheapSums { return try source.squares() }
    var result = [Double](repeating: 0, count: source.candidates)
    try result.withUnsafeMutableBufferPointer { result in
      nonisolated(unsafe) let result = result
      try source.forEach { i, g in
        var out = (0.0, 0.0, 0.0)
        withUnsafeMutableBytes(of: &out) {
          seep_sums_all(g, g, source.count, $0.assumingMemoryBound(to: Double.self).baseAddress)
        }
        result[i] = out.0
      }
    }
    return result
  }

  /// Sums of tensor `l`: of all entries (Σ g²), of those the plan chooses, and of those received.
  private func sums(_ source: any GradientSource, _ l: Int, _ plan: StreamPlan, _ factors: [Double]?) throws -> (
    all: [Double], chosen: [MatchSums], received: [MatchSums]
  ) {
    let count = source.candidates
    let y = target[l]
    guard source.count == y.size else {
      throw Fault("shape-mismatch", "a gradient of \(source.count) numbers is compared with \(shapeText(y.shape))")
    }
    if case .all = plan.entries, !plan.fits, source.hasCheapSums {
      let (squares, products) = (try source.squares(), try source.products(y))
      return (squares, zip(squares, products).map { MatchSums(squares: $0, product: $1) }, [])
    }
    var all = [Double](repeating: 0, count: count)
    var chosen = [MatchSums](repeating: MatchSums(), count: count)
    var received = chosen
    let n = source.count
    try y.withFloats { y in
      nonisolated(unsafe) let y = y.baseAddress
      try withMutable(&all, &chosen, &received) { all, chosen, received in
        nonisolated(unsafe) let (all, chosen, received) = (all, chosen, received)
        try source.forEach { i, g in
          var out = [0.0, 0, 0]
          switch plan.entries {
          case .all:
            seep_sums_all(g, y, n, &out)
            (all[i], chosen[i]) = (out[0], MatchSums(squares: out[0], product: out[1], distance: out[2]))
          case .above(let percent):
            let limit = try Percentiles.limit(g, n, percent)
            seep_sums_above(g, y, n, limit, &out)
            (all[i], chosen[i]) = (out[0], MatchSums(squares: out[1], product: out[2]))
          case .received:
            seep_sums_received(g, y, n, &out)
            (all[i], chosen[i]) = (out[0], MatchSums(squares: out[1], product: out[2]))
          case .censored(let thresholds):
            seep_sums_censored(g, y, n, Float(factors?[i] ?? 1), Float(thresholds[l]), &out)
            chosen[i] = MatchSums(squares: out[0], product: out[1], distance: out[2])
          }
          if plan.fits {
            seep_sums_received(g, y, n, &out)
            received[i] = MatchSums(squares: out[1], product: out[2])
          }
        }
      }
    }
    return (all, chosen, received)
  }

  private func withMutable<R>(
    _ a: inout [Double], _ b: inout [MatchSums], _ c: inout [MatchSums],
    _ body: (
      UnsafeMutableBufferPointer<Double>, UnsafeMutableBufferPointer<MatchSums>, UnsafeMutableBufferPointer<MatchSums>
    ) throws
      -> R
  ) rethrows -> R {
    try a.withUnsafeMutableBufferPointer { a in
      try b.withUnsafeMutableBufferPointer { b in
        try c.withUnsafeMutableBufferPointer { c in try body(a, b, c) }
      }
    }
  }

  /// min(1, bound / (norm + 1e-6)) for each tensor and candidate.
  private func clipFactors(_ squares: [[Double]], _ bounds: [Double], _ plan: StreamPlan) -> [[Double]] {
    let count = squares.first?.count ?? 0
    let together = (0..<count).map { i in squares.reduce(0) { $0 + $1[i] } }
    return squares.indices.map { l in
      (0..<count).map { i in
        min(1, bounds[l] / ((plan.perLayer ? squares[l][i] : together[i]).squareRoot() + Clip.guardTerm))
      }
    }
  }

  /// ⟨g, y⟩ / ‖g‖² over the entries received, between 0 and 1.
  private func fitFactors(_ received: [[MatchSums]], _ plan: StreamPlan) -> [[Double]] {
    let count = received.first?.count ?? 0
    func factor(_ product: Double, _ squares: Double) -> Double { min(1, max(0, product / (squares + 1e-20))) }
    let together = (0..<count).map { i in
      factor(received.reduce(0) { $0 + $1[i].product }, received.reduce(0) { $0 + $1[i].squares })
    }
    return received.map { tensor in
      (0..<count).map { plan.perLayer ? factor(tensor[$0].product, tensor[$0].squares) : together[$0] }
    }
  }
}

/// numpy.percentile of |g|, with linear interpolation, as float32 compares with it.
enum Percentiles {
  static func limit(_ g: UnsafePointer<Float>, _ count: Int, _ percent: Double) throws -> Float {
    let h = Double(count - 1) * percent / 100
    let low = max(0, min(count - 1, Int(h)))
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: max(count, 1)) { scratch in
      var (at, next) = (Float(0), Float(0))
      seep_abs_ranks(g, count, low, 0, scratch.baseAddress, &at, &next)
      return Float(Double(at) + (h - Double(low)) * (Double(next) - Double(at)))
    }
  }
}
