// A model: layers one after another, and the numbers they use. Its parameters are a pure function of its key and of the
// shape of the first example it meets, unless they are given.
import Autodiff
import Ground
import Tensors

/// An immutable value. Copies share what the first pass found out about the shape of examples.
public struct Model: @unchecked Sendable {  // the evaluation that owns it is single threaded
  public let layers: [any Layer]
  public let key: RandomKey
  public let initialiser: Initialiser
  /// float32 unless converted.
  public let dtype: DType
  private let name: String?
  /// What parameters are called where layers do not say it, by the layers' positions.
  private var names: [Int: LayerNames]

  /// Values given by the person or by training, by parameter or buffer name.
  private var given: [String: Variable] = [:]
  private var givenNames: [String] = []
  /// Given values of parts this model was composed from.
  private var parts: [Part] = []
  private var state = State()

  /// What is known once the shape of an example is.
  struct Built {
    var plan: Plan
    var parameters: Parameters
    var buffers: [Tensor]
  }

  /// Values of a run of layers of a composition, in their order.
  struct Part {
    var layers: Range<Int>
    var parameters: [Variable]
    var buffers: [Tensor]
  }

  private final class State {
    var built: Built?
    /// Shapes of examples that fit the parameters, with their plans.
    var plans: [[Int]: Plan] = [:]
  }

  /// - Parameters:
  ///   - layers: at least none; none is the identity.
  ///   - key: the parameters' source of randomness.
  ///   - name: how the model was written, such as `lenet(classes: 10)`; nil where the layers say it.
  public init(
    _ layers: [any Layer], key: RandomKey, initialiser: Initialiser = .torch, dtype: DType = .float32,
    name: String? = nil
  ) {
    self.init(layers, key: key, initialiser: initialiser, dtype: dtype, name: name, names: [:])
  }

  init(
    _ layers: [any Layer], key: RandomKey, initialiser: Initialiser = .torch, dtype: DType = .float32,
    name: String? = nil, names: [Int: LayerNames]
  ) {
    self.layers = layers
    self.key = key
    self.initialiser = initialiser
    self.dtype = dtype
    self.name = name
    self.names = names
  }

  /// As Seep code.
  public var written: String { name ?? layers.map(\.written).joined(separator: " >> ") }

  /// Shape of the examples the parameters were made for; nil before the first.
  public var inputShape: [Int]? { state.built?.plan.input }
  public var outputShape: [Int]? { state.built?.plan.output }
  /// The layers in the order they run, for the first example's shape.
  public var plan: Plan? { state.built?.plan }

  // MARK: Parameters

  /// - Throws: `model-not-built` before the first example's shape is known.
  public var parameters: Parameters { get throws { try built().parameters } }

  /// Running statistics and other values that are kept but not trained.
  public var buffers: Parameters {
    get throws {
      let built = try built()
      return try Parameters(zip(built.plan.buffers, built.buffers).map { ($0.name, Variable($1)) })
    }
  }

  private func built() throws -> Built {
    guard let built = state.built else {
      throw Fault(
        "model-not-built", "\(written) has no parameters yet: they depend on the shape of the first example",
        help: "give it an example first, or summary(model, [1, 28, 28])")
    }
    return built
  }

  /// The model with other parameters, by name; buffers may be among them.
  ///
  /// Before the first example the names are kept and checked when it comes.
  /// - Throws: `unknown-name`, `missing-parameter`, `shape-mismatch`.
  public func with(_ parameters: Parameters) throws -> Model {
    var copy = self
    for (name, value) in zip(parameters.names, parameters.values) {
      if copy.given.updateValue(value, forKey: name) == nil { copy.givenNames.append(name) }
    }
    copy.state = State()
    copy.state.plans = state.plans
    if let built = state.built { copy.state.built = try copy.applied(to: built) }
    return copy
  }

  /// The model with other values in the order of `parameters` and `buffers`.
  /// - Throws: `model-not-built`, `shape-mismatch`.
  public func with(values: [Tensor], buffers: [Tensor]? = nil) throws -> Model {
    let built = try built()
    var pairs = try zip(built.parameters.names, built.parameters.with(values: values.map { Variable($0) }).values)
      .map { (name: $0, value: $1) }
    if let buffers {
      guard buffers.count == built.buffers.count else {
        throw Fault("shape-mismatch", "\(buffers.count) values were given for \(built.buffers.count) buffers")
      }
      pairs += zip(built.plan.buffers, buffers).map { ($0.name, Variable($1)) }
    }
    return try with(Parameters(pairs))
  }

  /// Puts the given values in their places.
  private func applied(to built: Built) throws -> Built {
    var built = built
    let places = Set(built.plan.parameters.map(\.name) + built.plan.buffers.map(\.name))
    if let stranger = givenNames.first(where: { !places.contains($0) }) {
      throw Fault(
        "unknown-name", "\(written) has no parameter \(stranger)",
        notes: ["Its parameters are \(list(built.plan.parameters.map(\.name)))."] + differences(built.plan),
        help: nearestName(to: stranger, among: places))
    }
    if !given.isEmpty, let missing = built.plan.parameters.first(where: { given[$0.name] == nil }) {
      throw Fault(
        "missing-parameter", "no value was given for the parameter \(missing.name) of \(written)",
        notes: ["Given were \(list(givenNames))."] + differences(built.plan))
    }
    if !given.isEmpty {
      built.parameters = try built.parameters.with(
        values: built.plan.parameters.map { spec in try checked(given[spec.name], spec, built.plan) })
      for (index, spec) in built.plan.buffers.enumerated() where given[spec.name] != nil {
        built.buffers[index] = try checked(given[spec.name], spec, built.plan).value
      }
    }
    return built
  }

  private func checked(_ value: Variable?, _ spec: ParameterSpec, _ plan: Plan? = nil) throws -> Variable {
    guard let value, value.shape == spec.shape else {
      throw Fault(
        "shape-mismatch",
        "the parameter \(spec.name) of \(written) has shape \(spec.shape), and \(value?.shape ?? []) was given",
        notes: plan.map(differences) ?? [])
    }
    return value
  }

  /// A sentence that names what does not fit, where that is more than one thing: parameters of another model.
  private func differences(_ plan: Plan) -> [String] {
    let places = Set(plan.parameters.map(\.name) + plan.buffers.map(\.name))
    let odd =
      plan.parameters.compactMap { spec -> String? in
        guard let value = given[spec.name] else { return "\(spec.name) (missing)" }
        return value.shape == spec.shape
          ? nil : "\(spec.name) (\(shapeText(spec.shape)) wanted, \(shapeText(value.shape)) given)"
      } + givenNames.filter { !places.contains($0) }.map { "\($0) (not the model's)" }
    if odd.count < 2 { return [] }
    let shown = odd.prefix(4).joined(separator: ", ") + (odd.count > 4 ? ", …" : "")
    return ["\(odd.count) of \(max(plan.parameters.count, given.count)) parameters differ: \(shown)."]
  }

  private func list(_ names: [String]) -> String {
    names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", … (\(names.count) in all)" : "")
  }

  // MARK: Building

  /// Makes the parameters for examples of this shape, if there are none yet, and checks that such examples fit.
  /// - Returns: the plan for examples of this shape.
  /// - Throws: `shape-mismatch` naming the layer that cannot take what reaches it.
  @discardableResult
  public func build(for example: [Int]) throws -> Plan {
    if let plan = state.plans[example] { return plan }
    let plan = try Plan(layers, input: example, names: names)
    if let built = state.built {
      try checkFit(plan, built.plan)
    } else {
      state.built = try applied(to: composed(fresh(plan)))
    }
    state.plans[example] = plan
    return plan
  }

  /// The shape that the layers make of an example, which are asked without parameters.
  /// - Throws: what `build` throws for a layer that cannot take what reaches it.
  public func outputShape(for example: [Int]) throws -> [Int] { try Plan(layers, input: example, names: names).output }

  private func fresh(_ plan: Plan) throws -> Built {
    let values = try plan.parameters.map { Variable(try initialiser.value(of: $0, key: key, dtype: dtype)) }
    let buffers = try plan.buffers.map { try Initialiser.torch.value(of: $0, key: key, dtype: dtype) }
    return Built(
      plan: plan, parameters: try Parameters(zip(plan.parameters, values).map { ($0.name, $1) }), buffers: buffers)
  }

  /// The parameters were made for examples of another shape: do they serve this one?
  private func checkFit(_ plan: Plan, _ first: Plan) throws {
    for (now, then) in zip(plan.parameters, first.parameters) where now.shape != then.shape {
      let slot = plan.slots.first { $0.parameters.contains { plan.parameters[$0].name == now.name } }
      throw Fault(
        "shape-mismatch",
        "\(slot?.written ?? now.name) was made for examples of shape \(first.input), and this one has shape \(plan.input)",
        notes: ["Its parameter \(now.name) has shape \(then.shape) and would need \(now.shape)."],
        operands: [0: "\(plan.input)"])
    }
  }

  /// Puts the values of composed parts in their places.
  private func composed(_ fresh: Built) throws -> Built {
    var built = fresh
    var values = built.parameters.values
    for part in parts {
      let slots = built.plan.slots.filter { part.layers.contains($0.position) }
      let parameters = slots.flatMap(\.parameters)
      let buffers = slots.flatMap(\.buffers)
      for (index, value) in zip(parameters, part.parameters) {
        values[index] = try checked(value, built.plan.parameters[index])
      }
      for (index, value) in zip(buffers, part.buffers) { built.buffers[index] = value }
    }
    built.parameters = try built.parameters.with(values: values)
    return built
  }

  // MARK: Composition

  /// `a >> b`: the layers of both. Values of a part that has met an example, or that were given, stay with their layers; the
  /// rest is made anew from `key`.
  /// - Throws: `model-not-built` where a part was given values and has not met an example.
  public static func compose(_ a: Model, _ b: Model, key: RandomKey) throws -> Model {
    var model = Model(
      a.layers + b.layers, key: key, initialiser: a.layers.isEmpty ? b.initialiser : a.initialiser, dtype: a.dtype)
    for (part, offset) in [(a, 0), (b, a.layers.count)] {
      for (position, own) in part.names { model.names[position + offset] = own }
      model.parts += part.parts.map { inner in
        var moved = inner
        moved.layers = (inner.layers.lowerBound + offset)..<(inner.layers.upperBound + offset)
        return moved
      }
      if part.given.isEmpty && part.state.built == nil { continue }
      let built = try part.built()
      let range = offset..<(offset + part.layers.count)
      model.parts.append(Part(layers: range, parameters: built.parameters.values, buffers: built.buffers))
    }
    return model
  }

  /// The model with a layer that has no parameters before its layer number `place`; parameters keep their values and names.
  /// - Throws: `shape-mismatch` where what follows cannot take what the layer makes.
  public func inserting(_ layer: any Layer, at place: Int) throws -> Model {
    var changed = layers
    changed.insert(layer, at: place)
    let moved = Dictionary(uniqueKeysWithValues: names.map { ($0.key >= place ? $0.key + 1 : $0.key, $0.value) })
    var model = Model(changed, key: key, initialiser: initialiser, dtype: dtype, names: moved)
    guard let built = state.built else {
      (model.given, model.givenNames) = (given, givenNames)
      return model
    }
    try model.build(for: built.plan.input)
    return try model.with(values: built.parameters.tensors, buffers: built.buffers)
  }

  /// The layers before number `place`, and those from it on, each with its own values.
  /// - Throws: `model-not-built`.
  public func split(at place: Int) throws -> (first: Model, rest: Model) {
    let built = try built()
    func part(_ range: Range<Int>, input: [Int]) throws -> Model {
      let own = names.filter { range.contains($0.key) }.map { ($0.key - range.lowerBound, $0.value) }
      let model = Model(
        Array(layers[range]), key: key, initialiser: initialiser, dtype: dtype, name: nil,
        names: Dictionary(uniqueKeysWithValues: own))
      let slots = built.plan.slots.filter { range.contains($0.position) }
      try model.build(for: input)
      return try model.with(
        values: slots.flatMap(\.parameters).map { built.parameters.values[$0].value },
        buffers: slots.flatMap(\.buffers).map { built.buffers[$0] })
    }
    let cut = min(max(place, 0), layers.count)
    let reaching = cut == 0 ? built.plan.input : built.plan.slots.first { $0.position == cut - 1 }?.output ?? []
    return (try part(0..<cut, input: built.plan.input), try part(cut..<layers.count, input: reaching))
  }

  /// Numbers of the outermost layers that have weights of products: convolutions and dense layers, by themselves or inside of blocks.
  /// - Throws: `model-not-built`.
  public var weightedLayers: [Int] {
    get throws {
      let plan = try built().plan
      let places = plan.slots.filter { slot in
        slot.parameters.contains { if case .weight = plan.parameters[$0].role { true } else { false } }
      }
      return Set(places.map(\.position)).sorted()
    }
  }

  // MARK: Running

  /// Output and what else one pass yields.
  public struct Pass {
    public let output: Variable
    /// Buffers after the pass: new running statistics in train mode, else as before.
    public let buffers: [Tensor]
    /// Layers with parameters in the order they ran, where taps were asked for.
    public let taps: [Tap]
    /// What layers add to the loss; nil: nothing.
    public let penalty: Variable?
    fileprivate let scope: ParameterScope

    /// Gradients of one tapped layer's parameters, one per example, from the derivative of the summed losses with
    /// respect to the layer's output.
    public func perExampleGradients(_ tap: Tap, outputGradient: Variable) throws -> [Variable] {
      try at(tap) { try tap.layer.perExampleGradients(input: tap.input, outputGradient: outputGradient, $0) }
    }

    /// Runs `body` with the surroundings of one tapped layer.
    func at<R>(_ tap: Tap, _ body: (ParameterScope) throws -> R) rethrows -> R {
      try scope.at(tap.slot) { try body(scope) }
    }
  }

  /// The output for a batch, or for a lone example, which gains the batch axis and loses it again.
  public func callAsFunction(_ x: Variable, mode: Mode = .eval, key: RandomKey? = nil) throws -> Variable {
    let (batch, isLone) = try batched(x)
    let output = try forward(batch, mode: mode, key: key).output
    return isLone ? try output.squeeze(axis: 0) : output
  }

  /// One pass over a batch `[n] + example`.
  /// - Parameters:
  ///   - parameters: used instead of the model's own (same names and shapes).
  ///   - key: for dropout in train mode.
  ///   - taps: whether to keep every parametric layer's input and output.
  public func forward(
    _ x: Variable, parameters: Parameters? = nil, mode: Mode = .eval, key: RandomKey? = nil, taps: Bool = false
  ) throws -> Pass {
    guard x.rank > 0 else {
      throw Fault("shape-mismatch", "\(written) was given a single number, not a batch of examples")
    }
    let plan = try build(for: Array(x.shape.dropFirst()))
    let built = try built()
    let values =
      try parameters.map {
        try built.parameters.zip($0) { own, given in
          guard own.shape == given.shape else {
            throw Fault("shape-mismatch", "a parameter of shape \(own.shape) was given the shape \(given.shape)")
          }
          return given
        }.values
      } ?? built.parameters.values
    let scope = ParameterScope(plan, parameters: values, buffers: built.buffers, mode: mode, key: key, taps: taps)
    let output = try layers.reduce(x) { try scope.apply($1, $0) }
    return Pass(
      output: output, buffers: scope.buffers, taps: scope.taps, penalty: scope.penalty, scope: scope)
  }

  /// `x` as a batch, and whether it was a lone example.
  public func batched(_ x: Variable) throws -> (batch: Variable, isLone: Bool) {
    let isLone = x.rank == exampleRank(for: x.rank)
    return (isLone ? try x.unsqueeze(axis: 0) : x, isLone)
  }

  /// Axes of one example, by what was seen before, else by the first layer that fixes them; where none does, an odd number
  /// of axes (a vector, an image) is an example and an even number a batch of them.
  private func exampleRank(for rank: Int) -> Int {
    inputShape?.count ?? fixedExampleRank ?? (rank % 2 == 1 ? rank : rank - 1)
  }

  /// Axes of one example, where a layer fixes them before anything was seen.
  public var fixedExampleRank: Int? {
    for layer in layers {
      if layer is Flatten || layer is Reshape || layer is FunctionLayer { break }
      if let known = layer.exampleRank { return known }
    }
    return nil
  }
}
