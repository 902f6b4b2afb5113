// grad, value_and_grad, jvp, vjp, hvp, hessian, stop_gradient, check_grad: derivatives of Seep functions, of any order.
import Autodiff
import Ground
import SeepLanguage
import Tensors

/// How many derivatives are being taken at this moment; an inner one must itself be differentiable.
private final class Depth: Sendable {
  nonisolated(unsafe) static var current = 0
  /// How many were taken so far.
  nonisolated(unsafe) static var taken = 0
}

/// A function made by `grad(f)` or `value_and_grad(f)`.
final class GradientFunction: Foreign {
  let function: Value
  let argument: Int
  let withValue: Bool

  init(_ function: Value, wrt argument: Int, withValue: Bool) {
    self.function = function
    self.argument = argument
    self.withValue = withValue
  }

  var typeName: String { "function" }
  var isCallable: Bool { true }

  func display(_ style: DisplayStyle) -> String {
    let name = function.functionName ?? "…"
    return "\(withValue ? "value_and_grad" : "grad")(\(name)\(argument == 0 ? "" : ", wrt: \(argument)"))"
  }

  func call(_ call: inout Call) throws -> Value {
    let arguments = call.positional
    guard argument < arguments.count else {
      throw Fault(
        "missing-argument",
        "the derivative is with respect to argument \(argument), and \(arguments.count) \(arguments.count == 1 ? "was" : "were") given"
      )
    }
    return try Derivative.gradient(
      of: function, at: arguments, wrt: argument, keywords: call.keywords, withValue: withValue, call.session)
  }
}

enum Derivative {
  /// The tree `arguments[wrt]` made anew as independent variables, with ints promoted to numbers.
  static func watched(_ value: Value) throws -> (tree: Value, leaves: [Variable], numbers: [Bool]) {
    var leaves: [Variable] = []
    var numbers: [Bool] = []
    let promoted = Tree.promoted(value)
    let tree = try Tree.map(promoted) { leaf, isNumber in
      let fresh = leaf.watched()
      leaves.append(fresh)
      numbers.append(isNumber)
      return Value(TensorValue(fresh, isNumber: isNumber))
    }
    guard !leaves.isEmpty else {
      throw Fault(
        "not-differentiable",
        "there is nothing to differentiate by: the argument is \(described(value)) without tensors or numbers")
    }
    return (tree, leaves, numbers)
  }

  /// Runs `body` as one more derivative.
  static func nested<R>(_ body: (_ recording: Bool) throws -> R) rethrows -> R {
    let recording = Depth.current > 0
    Depth.current += 1
    Depth.taken += 1
    defer { Depth.current -= 1 }
    return try body(recording)
  }

  static func gradient(
    of function: Value, at arguments: [Value], wrt argument: Int, keywords: [(name: String, value: Value)],
    withValue: Bool, mayBeConstant: Bool = false, _ session: Session
  ) throws -> Value {
    try nested { recording in
      let (tree, leaves, numbers) = try watched(arguments[argument])
      var given = arguments
      given[argument] = tree
      let (random, taken) = (session.random, Depth.taken)
      let result = try session.invoke(function, given, keywords)
      let output = try scalar(result)
      var gradients: [Variable] = []
      if !recording, let number = try? output.value.item(), !number.isFinite {
        throw notFinite(number, session, drawingFrom: random) { _ = try session.invoke(function, given, keywords) }
      }
      let found = try Autodiff.gradients(of: output, wrt: leaves, recording: recording)
      // A derivative taken inside may be constant: the second one of a linear function is.
      if !recording, !mayBeConstant, taken == Depth.taken, found.allSatisfy({ $0 == nil }) {
        throw independent(argument)
      }
      for (leaf, gradient) in zip(leaves, found) {
        gradients.append(try gradient ?? Variable(Tensor.zeros(leaf.shape, leaf.dtype)))
      }
      var place = 0
      let promoted = Tree.promoted(arguments[argument])
      let answer = try Tree.map(promoted) { _, _ in
        defer { place += 1 }
        return try plain(gradients[place], isNumber: numbers[place])
      }
      guard withValue else { return answer }
      return Value(tuple: [try plain(detached(output, recording), isNumber: numbers.allSatisfy { $0 }), answer])
    }
  }

  /// The value does not depend on what it is differentiated by.
  private static func independent(_ argument: Int) -> Fault {
    Fault(
      "not-differentiable",
      "the function's value does not depend on its argument \(argument), by which it is differentiated",
      notes: [
        "A value from outside, from `stop_gradient` or from a comparison is a constant.",
        "Where a gradient of zero is meant, add `0 * sum(x)` of the argument to the value.",
      ])
  }

  /// The function is run once more, and whatever first gives a NaN or Inf is the mistake: there, in the program.
  static func notFinite(
    _ number: Double, _ session: Session, drawingFrom random: RandomState, _ again: () throws -> Void
  ) -> Fault {
    let what = number.isNaN ? "nan" : number > 0 ? "inf" : "-inf"
    let watch = FiniteWatch()
    let (output, after, hook) = (session.output, session.random, session.afterOperation)
    session.output = CollectedOutput()
    session.random = random
    session.afterOperation = {
      guard let found = watch.finding else { return }
      throw Fault(
        "not-finite", "`\(found.operation)` gives \(found.value) here, and so the value to differentiate is \(what)",
        notes: ["Its operands are finite: it is the first operation with a result that is not."])
    }
    defer { (session.output, session.random, session.afterOperation) = (output, after, hook) }
    do {
      try watch.watching(again)
    } catch let fault as Fault where fault.code == "not-finite" {
      return fault
    } catch {}
    return Fault("not-finite", "the value to differentiate is \(what)")
  }

  /// Outside of other derivatives, the value alone: what was recorded can be released.
  static func detached(_ variable: Variable, _ recording: Bool) -> Variable {
    recording ? variable : Variable(variable.value)
  }

  /// A number comes back as a number, unless an outer derivative follows it.
  static func plain(_ variable: Variable, isNumber: Bool) throws -> Value {
    if isNumber, !variable.isTracked, variable.size == 1 { return Value(try variable.value.item()) }
    return Value(TensorValue(variable, isNumber: isNumber))
  }

  /// What a function returned, as the scalar that can be differentiated.
  static func scalar(_ value: Value) throws -> Variable {
    if let number = value.asDouble { return Variable(try Tensor.scalar(number, .float64)) }
    guard let tensor = value.foreign(as: TensorValue.self) else {
      throw Fault(
        "non-scalar-gradient",
        "`grad` needs a function that returns one number, and this one returned \(described(value))")
    }
    guard tensor.tensor.size == 1 else {
      throw Fault(
        "non-scalar-gradient",
        "`grad` needs a function that returns one number, and this one returned a tensor of shape \(written(tensor.shape))",
        help: "sum(…) or mean(…) of it")
    }
    return tensor.variable.rank == 0 ? tensor.variable : try tensor.variable.reshape([])
  }

  /// The tensors of a function's result, for products with Jacobians.
  static func outputs(_ value: Value) throws -> [Variable] {
    if let leaves = try Tree.leaves(Tree.promoted(value)) { return leaves }
    throw Fault("not-differentiable", "the function returned \(described(value)), which holds no tensor")
  }

  static func requireSameForm(_ a: [Variable], _ b: [Variable], _ what: String) throws {
    guard a.count == b.count else {
      throw Fault("shape-mismatch", "\(what) has \(b.count) tensors where \(a.count) are needed")
    }
    for (x, y) in zip(a, b) where x.shape != y.shape {
      throw Fault("shape-mismatch", "\(what) has shape \(written(y.shape)) where \(written(x.shape)) is needed")
    }
  }

  /// Σ ⟨aᵢ, bᵢ⟩ after checking that the shapes agree.
  static func inner(_ a: [Variable], _ b: [Variable], _ what: String) throws -> Variable {
    try requireSameForm(a, b, what)
    var total: Variable?
    for (x, y) in zip(a, b) {
      let typed = x.dtype == y.dtype ? y : try y.converted(to: x.dtype)
      let product = try (x * typed).sum()
      total = try total.map { try $0 + product } ?? product
    }
    return try total ?? Variable(Tensor.scalar(0))
  }
}

private func gradientMaker(_ name: String, _ what: String, example: String, withValue: Bool) -> Builtin {
  Builtin(
    name, "\(name)(f, wrt: 0)",
    """
    \(what) `f` returns one number; the derivative is with respect to its argument number `wrt`, a number, a tensor, or any
    nesting of records, lists and tuples of them, and has the same form. What `f` captures is constant. Nests to any order.
    A value that is not finite, or does not depend on that argument at all, is an error. Errors: `non-scalar-gradient`,
    `not-differentiable`, `not-finite`.
    """, example: example, group: "derivatives"
  ) { call in
    Value(GradientFunction(try call.function("f"), wrt: try call.int("wrt", in: 0...Int.max), withValue: withValue))
  }
}

let derivativeBuiltins: [Builtin] = [
  gradientMaker(
    "grad", "The function that gives the gradient of `f`.", example: "print(grad(grad(x => x^3))(2.0))  # expect: 12.0",
    withValue: false),
  gradientMaker(
    "value_and_grad", "The function that gives the pair (value, gradient) of `f`.",
    example: "print(value_and_grad(x => x^2)(3.0))  # expect: (9.0, 6.0)", withValue: true),

  Builtin(
    "vjp(f, x, u)", group: "derivatives",
    "The product uᵀJ of a vector with the Jacobian of `f` at `x` (reverse mode). `u` has the form of f(x), the result that of `x`.",
    example: "print(vjp(x => x * tensor([2, 3]), tensor([1, 1]), tensor([1, 10])))  # expect: [2.0, 30.0]"
  ) { call in
    try Derivative.nested { recording in
      let (tree, leaves, numbers) = try Derivative.watched(call["x"])
      let outputs = try Derivative.outputs(call.invoke(call.function("f"), [tree]))
      let total = try Derivative.inner(outputs, Derivative.outputs(call["u"]), "`u`")
      return try rebuilt(call["x"], Autodiff.gradients(of: total, wrt: leaves, recording: recording), leaves, numbers)
    }
  },
  Builtin(
    "jvp(f, x, v)", group: "derivatives",
    "The product Jv of the Jacobian of `f` at `x` with a vector, through two reverse passes. `v` has the form of `x`, the result that of f(x).",
    example: "print(jvp(x => x^2, tensor([1, 2]), tensor([1, 1])))  # expect: [2.0, 4.0]"
  ) { call in
    try Derivative.nested { recording in
      let (tree, leaves, _) = try Derivative.watched(call["x"])
      let result = try call.invoke(call.function("f"), [tree])
      let outputs = try Derivative.outputs(result)
      // g(u) = ⟨Jᵀu, v⟩ is linear in u, and its gradient is Jv.
      let dummies = try outputs.map { try Variable(Tensor.zeros($0.shape, $0.dtype)).watched() }
      let total = try Derivative.inner(outputs, dummies, "`u`")
      let products = try Autodiff.gradients(of: total, wrt: leaves, recording: true)
      let pulled = try zip(leaves, products).map { leaf, product in
        try product ?? Variable(Tensor.zeros(leaf.shape, leaf.dtype))
      }
      let paired = try Derivative.inner(pulled, Derivative.outputs(call["v"]), "`v`")
      let pushed =
        paired.isTracked
        ? try Autodiff.gradients(of: paired, wrt: dummies, recording: recording) : dummies.map { _ in nil }
      return try rebuilt(result, pushed, dummies, dummies.map { _ in false })
    }
  },
  Builtin(
    "hvp(f, x, v)", group: "derivatives",
    "The product Hv of the Hessian of the scalar function `f` at `x` with a vector of the form of `x`.",
    example: "print(hvp(x => sum(x^3), tensor([1, 2]), tensor([1, 1])))  # expect: [6.0, 12.0]"
  ) { call in
    try Derivative.nested { recording in
      let (tree, leaves, numbers) = try Derivative.watched(call["x"])
      let output = try Derivative.scalar(call.invoke(call.function("f"), [tree]))
      let vector = try Derivative.outputs(call["v"])
      try blaming(call, "v") { try Derivative.requireSameForm(leaves, vector, "`v`") }
      let slopes = try Autodiff.gradients(of: output, wrt: leaves, recording: true)
      let known = try zip(leaves, slopes).map { leaf, slope in
        try slope ?? Variable(Tensor.zeros(leaf.shape, leaf.dtype))
      }
      let paired = try Derivative.inner(known, vector, "`v`")
      let products =
        paired.isTracked
        ? try Autodiff.gradients(of: paired, wrt: leaves, recording: recording) : leaves.map { _ in nil }
      return try rebuilt(call["x"], products, leaves, numbers)
    }
  },
  Builtin(
    "hessian(f, x)", group: "derivatives",
    "All second derivatives of the scalar function `f` at the tensor `x`: shape x.shape followed by x.shape. One reverse pass per element.",
    example: "print(hessian(x => sum(x^3), tensor([1, 2])))  # expect: [[6.0, 0.0], [0.0, 12.0]]"
  ) { call in
    try Derivative.nested { recording in
      let (tree, leaves, numbers) = try Derivative.watched(call["x"])
      guard leaves.count == 1 else {
        throw call.fault("type-mismatch", "`hessian` is taken at one tensor; for a record, use `hvp`", argument: "x")
      }
      let x = leaves[0]
      let output = try Derivative.scalar(call.invoke(call.function("f"), [tree]))
      let zero = Variable(try Tensor.zeros(x.shape, x.dtype))
      let slope = try Autodiff.gradients(of: output, wrt: [x], recording: true)[0] ?? zero
      let flat = try slope.reshape([x.size])
      var rows: [Variable] = []
      for index in 0..<x.size {
        try Interrupt.check()
        let entry = try flat.select(axis: 0, index: index)
        let row = entry.isTracked ? try Autodiff.gradients(of: entry, wrt: [x], recording: recording)[0] ?? zero : zero
        rows.append(try row.reshape([x.size]))
      }
      guard !rows.isEmpty else { return Value(TensorValue(zero)) }
      let matrix = try Variable.stack(rows, axis: 0).reshape(x.shape + x.shape)
      return try Derivative.plain(matrix, isNumber: numbers[0])
    }
  },
  Builtin(
    "stop_gradient(x)", group: "derivatives", "The same value as a constant: derivatives do not pass through it.",
    example: "print(grad(x => x * stop_gradient(x))(3.0))  # expect: 3.0"
  ) { call in
    if call["x"].asInt != nil { return call["x"] }
    return try Tree.map(call["x"]) { leaf, isNumber in
      Value(TensorValue(leaf.stopGradient(), isNumber: isNumber))
    }
  },
  Builtin(
    "check_grad(f, x, eps: 1e-5)", group: "derivatives",
    """
    Compares the gradient of the scalar function `f` at `x` with central differences in float64 and returns the largest
    relative difference, |a - b| / max(1, |a|, |b|); below 1e-6 is good. `f` must take float64 tensors.
    """, example: "print(check_grad(x => sum(x^3), tensor([1, 2])) < 1e-6)  # expect: true"
  ) { call in
    let eps = try call.double("eps", in: 1e-12...1)
    let f = try call.function("f")
    let given = Tree.promoted(call["x"])
    let start = try Tree.map(given) { leaf, isNumber in
      Value(TensorValue(Variable(try leaf.value.converted(to: .float64)), isNumber: isNumber))
    }
    let slopes = try Derivative.gradient(
      of: f, at: [start], wrt: 0, keywords: [], withValue: false, mayBeConstant: true, call.session)
    let exact = try Derivative.outputs(slopes).map { try $0.value.doubles() }
    let leaves = try Derivative.outputs(start).map { try $0.value.doubles() }
    let shapes = try Derivative.outputs(start).map(\.shape)
    var worst = 0.0
    for which in leaves.indices {
      for index in leaves[which].indices {
        try Interrupt.check()
        func value(_ shift: Double) throws -> Double {
          var place = 0
          let moved = try Tree.map(start) { leaf, isNumber in
            defer { place += 1 }
            guard place == which else { return Value(TensorValue(leaf, isNumber: isNumber)) }
            var numbers = leaves[which]
            numbers[index] += shift
            return Value(TensorValue(Variable(try Tensor(numbers, shape: shapes[which])), isNumber: isNumber))
          }
          return try Derivative.scalar(call.invoke(f, [moved])).value.item()
        }
        let numeric = try (value(eps) - value(-eps)) / (2 * eps)
        let a = exact[which][index]
        worst = max(worst, abs(a - numeric) / max(1, abs(a), abs(numeric)))
      }
    }
    return Value(worst)
  },
]

/// A tree of the form of `value` holding the gradients, zeros where there was none.
private func rebuilt(
  _ value: Value, _ gradients: [Variable?], _ leaves: [Variable], _ numbers: [Bool]
) throws -> Value {
  var place = 0
  return try Tree.map(Tree.promoted(value)) { _, _ in
    defer { place += 1 }
    let gradient = try gradients[place] ?? Variable(Tensor.zeros(leaves[place].shape, leaves[place].dtype))
    return try Derivative.plain(gradient, isNumber: numbers[place])
  }
}
