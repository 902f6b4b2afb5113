// "Did you mean …": the nearest known name, if it is near enough to be a typing slip.

/// The candidate nearest to `name` by edit distance with transpositions, if within a third of its length (at most 3).
/// Names of one letter are near to everything and to nothing: there is no guess for them, and none of them is one. Two
/// and more slips are believed only behind the same first letter.
public func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
  let target = Array(name.utf8)
  if target.count < 2 || target.count > 100 { return nil }
  let lower = name.lowercased()
  let allowed = max(1, min(3, (target.count + 1) / 3))
  var best: (name: String, distance: Int)?
  for candidate in candidates where candidate != name {
    let letters = Array(candidate.utf8)
    if letters.count < 2 { continue }
    var distance = editDistance(target, letters, limit: allowed)
    if distance > 1, letters.count == target.count, candidate.lowercased() == lower { distance = 1 }
    if distance > 1, letters[0] | 32 != target[0] | 32 { continue }
    if distance <= allowed,
      best.map({ distance < $0.distance || (distance == $0.distance && candidate < $0.name) }) ?? true
    {
      best = (candidate, distance)
    }
  }
  return best?.name
}

/// Optimal-string-alignment distance; returns `limit + 1` as soon as it must exceed `limit`.
func editDistance(_ a: [UInt8], _ b: [UInt8], limit: Int) -> Int {
  if abs(a.count - b.count) > limit { return limit + 1 }
  var beforeLast = [Int](repeating: 0, count: b.count + 1)
  var last = Array(0...b.count)
  for i in 0..<a.count {
    var current = [i + 1] + [Int](repeating: 0, count: b.count)
    for j in 0..<b.count {
      var cost = min(last[j + 1] + 1, current[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
      current[j + 1] = cost
    }
    if (current.min() ?? 0) > limit { return limit + 1 }
    (beforeLast, last) = (last, current)
  }
  return last[b.count]
}
