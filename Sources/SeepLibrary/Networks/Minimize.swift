// lbfgs and minimize: finding where a Seep function of tensors is small, with best-so-far and rules for stopping.
import Autodiff
import Ground
import Networks
import SeepLanguage
import Tensors

/// `lbfgs(lr: 1.0)`. It evaluates the function itself, several times a step, so it has no `update`.
final class LBFGSValue: Foreign {
  let optimiser: LBFGS
  init(_ optimiser: LBFGS) { self.optimiser = optimiser }

  var typeName: String { "optimizer" }
  func display(_ style: DisplayStyle) -> String { optimiser.written }
}

/// One descent of a Seep function over a tree of tensors and numbers.
private struct Descent {
  let function: Value
  let start: Value
  let session: Session
  var evaluations = 0
  /// The point with the least value among the evaluations of the present step.
  var near: (point: [Tensor], loss: Double)?

  /// The tree with these tensors in its places.
  func tree(_ leaves: [Variable]) throws -> Value {
    var place = 0
    return try Tree.map(start) { _, isNumber in
      defer { place += 1 }
      return try Derivative.plain(leaves[place], isNumber: isNumber)
    }
  }

  func tree(_ leaves: [Tensor]) throws -> Value { try tree(leaves.map { Variable($0) }) }

  mutating func evaluate(_ point: [Tensor]) throws -> (loss: Double, gradient: [Tensor]) {
    evaluations += 1
    let result = try Derivative.nested { _ in
      let leaves = point.map { Variable($0).watched() }
      let output = try Derivative.scalar(session.invoke(function, [tree(leaves)]))
      let slopes = try Autodiff.gradients(of: output, wrt: leaves, recording: false)
      let filled = try zip(slopes, leaves).map { try $0?.value ?? Tensor.zeros($1.shape, $1.dtype) }
      return (loss: try output.value.item(), gradient: filled)
    }
    if result.loss < near?.loss ?? .infinity { near = (point, result.loss) }
    return result
  }
}

let minimizeBuiltins: [Builtin] = [
  Builtin(
    "lbfgs(lr: 1.0, iterations: 20, history: 100, line_search: \"none\")", group: "searches",
    """
    L-BFGS for `minimize`, with the rules of torch.optim.LBFGS: a step tries up to `iterations` directions, made of the last `history` changes.
    `line_search` is "none" (the length is `lr`) or "strong_wolfe".

    Source: Liu, Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical Programming 1989.
    """, example: "print(minimize(x => sum((x - 3)^2), zeros(2), by: lbfgs(), steps: 5).point)  # expect: [3.0, 3.0]"
  ) { call in
    let search = try call.choice("line_search", of: ["none", "strong_wolfe"])
    let rate = try call.double("lr")
    guard rate > 0, rate.isFinite else {
      throw call.fault("out-of-range", "`lr` of `lbfgs` must be positive, not \(rate)", argument: "lr")
    }
    return Value(
      LBFGSValue(
        LBFGS(
          rate: rate, maxIterations: try call.int("iterations", in: 1...10_000),
          history: try call.int("history", in: 1...10_000), lineSearch: LBFGS.LineSearch(rawValue: search) ?? .none)))
  },
  Builtin(
    "minimize(f, start, by: none, steps: 100, enough: none, patience: none, project: none, each: none)",
    group: "searches",
    """
    Looks for where the number `f(point)` is smallest, from `start`: a tensor, or a record or list of tensors and numbers. `by` is `lbfgs()` (the
    default) or an optimizer such as `adam(lr: 0.1)`. A step of L-BFGS that does not improve is undone, and the next begins at the best point with
    half the rate and no memory, up to six times. It ends after `steps`, at a value of at most `enough`, after `patience` steps that do not improve
    by 1e-4 of the value, where the value is no number, or where L-BFGS has come to rest. `project` moves each new point (into the range of pixels, say); `each` is called after every
    step with a record of its best `point`, `loss`, `step` and `evaluations`. Gives a record: the best `point`, its `loss`, the `history` of the best
    losses, `steps` and `evaluations`. Within an attack, where the point is an image or a batch and there is no `each`, every step is a `report`.
    """,
    example: """
      let found = minimize(p => (p.a - 1)^2 + sum(p.b^2), {a: 0.0, b: ones(2)}, by: adam(lr: 0.1), steps: 300)
      print("{found.point.a:.3} {found.loss < 1e-6}")   # expect: 1.000 true
      """
  ) { call in try minimize(call) },
]

private func minimize(_ call: Call) throws -> Value {
  let start = Tree.promoted(call["start"])
  guard let leaves = try Tree.leaves(start) else {
    throw call.fault(
      "type-mismatch", "`start` of `minimize` must hold tensors or numbers, not \(described(start))", argument: "start")
  }
  var descent = Descent(function: try call.function("f"), start: start, session: call.session)
  var (quasiNewton, optimiser) = try optimisers(call)
  let steps = try call.int("steps", in: 1...Int.max)
  let (enough, patience) = (try call.optionalDouble("enough"), try call.optionalInt("patience"))
  let (project, each) = (try call.optionalFunction("project"), try call.optionalFunction("each"))
  let attack = AttackRuns.of(call.session).open.last
  var point = leaves.map(\.value)
  var best: (point: [Tensor], loss: Double)?
  var history: [Double] = []
  var (still, backs) = (0, 0)

  while history.count < steps {
    try call.session.checkInterrupt()
    descent.near = nil
    let before = point
    if optimiser != nil {
      let gradient = try descent.evaluate(point).gradient
      point = try optimiser?.step(point, gradient) ?? point
    } else {
      point = try quasiNewton.step(point) { try descent.evaluate($0) }.point
    }
    if let project { point = try projected(point, by: project, descent) }
    guard let near = descent.near, near.loss.isFinite else { break }
    still = near.loss < (best?.loss ?? .infinity) - 1e-4 * abs(best?.loss ?? 0) ? 0 : still + 1
    if near.loss < best?.loss ?? .infinity { best = near }
    history.append(best?.loss ?? near.loss)
    if let each {
      let now = Value(record: [
        ("point", try descent.tree(near.point)), ("loss", Value(near.loss)), ("step", Value(history.count)),
        ("evaluations", Value(descent.evaluations)),
      ])
      _ = try call.invoke(each, [now])
    } else if let attack, near.point.count == 1, let images = try? attack.images(descent.tree(near.point)) {
      attack.report(.init(images: images, loss: near.loss), done: history.count, total: steps, remark: "")
    }
    if let enough, near.loss <= enough { break }
    if let patience, still >= patience { break }
    guard optimiser == nil else { continue }
    if still > 0, let best, backs < 6 {
      // Without a line search L-BFGS now and then leaps away.
      backs += 1
      point = best.point
      quasiNewton = quasiNewton.fresh(rate: quasiNewton.rate / 2)
    } else if try unmoved(before, point) {
      break  // it would stand still for ever
    }
  }
  return Value(record: [
    ("point", try descent.tree(best?.point ?? point)), ("loss", Value(best?.loss ?? .nan)),
    ("history", Value(list: history.map { Value($0) })), ("steps", Value(history.count)),
    ("evaluations", Value(descent.evaluations)),
  ])
}

private func unmoved(_ a: [Tensor], _ b: [Tensor]) throws -> Bool {
  try zip(a, b).allSatisfy { try Tensor.compare(.equal, $0, $1).reduce(.all).item() != 0 }
}

/// L-BFGS, or another optimiser, which then counts.
private func optimisers(_ call: Call) throws -> (LBFGS, (any Optimiser)?) {
  guard let given = call.optionalValue("by") else { return (LBFGS(), nil) }
  if let value = given.foreign(as: LBFGSValue.self) { return (value.optimiser, nil) }
  if let value = given.foreign(as: OptimiserValue.self) { return (LBFGS(), try value.optimiser()) }
  throw call.fault(
    "type-mismatch", "`by` of `minimize` must be an optimizer, not \(described(given))", argument: "by",
    help: "by: adam(lr: 0.1)")
}

private func projected(_ point: [Tensor], by project: Value, _ descent: Descent) throws -> [Tensor] {
  let result = try descent.session.invoke(project, [descent.tree(point)])
  let moved = try Tree.leaves(result)?.map(\.value) ?? []
  guard moved.map(\.shape) == point.map(\.shape) else {
    throw Fault("shape-mismatch", "`project` must return a point of the form of `start`, not \(described(result))")
  }
  return try zip(moved, point).map { try $0.converted(to: $1.dtype) }
}
