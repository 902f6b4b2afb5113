// A tensor that may remember how it was computed, and the node of the graph that remembers it.
import CTape
import Ground
import Synchronization
import Tensors

/// A tensor in a computation that can be differentiated, any number of times.
public struct Variable: @unchecked Sendable {
  public let value: Tensor
  /// nil for a constant.
  let node: Node?

  /// A constant.
  public init(_ value: Tensor) {
    self.value = value
    node = nil
  }

  init(_ value: Tensor, _ node: Node?) {
    self.value = value
    self.node = node
  }

  /// A constant of rank 0.
  public static func constant(_ number: Double, _ dtype: DType = .float32) throws -> Variable {
    Variable(try Tensor.scalar(number, dtype))
  }

  public var shape: [Int] { value.shape }
  public var rank: Int { value.rank }
  public var size: Int { value.size }
  public var dtype: DType { value.dtype }
  /// Whether derivatives with respect to something pass through it.
  public var isTracked: Bool { node != nil }

  /// A variable of its own to differentiate by; where self is tracked, outer derivatives still pass through it.
  public func watched() -> Variable {
    if let node { return Variable(value, Node([Edge(node) { g, _ in g }], output: nil)) }
    return Variable(value, Node([], output: nil))
  }

  /// The same value as a constant.
  public func stopGradient() -> Variable { Variable(value) }
}

/// How a gradient passes from a result to one of its operands. `y` is the result itself, where the rule asked to keep it.
struct Edge {
  var parent: Node?
  var pull: ((_ gradient: Variable, _ y: Variable) throws -> Variable)?

  init(_ parent: Node, _ pull: @escaping (Variable, Variable) throws -> Variable) {
    self.parent = parent
    self.pull = pull
  }
}

/// One recorded operation. Rules hold the operands they need; everything they hold that has a node is a parent as well.
final class Node {
  var edges: [Edge]
  /// Kept where a rule is written in terms of its result.
  let output: Tensor?
  /// Later operations have larger numbers: an order in which results come after operands.
  let sequence: Int
  /// The sweep that last met this node, and its place in that sweep's arrays.
  var sweep = 0
  var place = 0

  private static let created = Atomic<Int>(0)

  init(_ edges: [Edge], output: Tensor?) {
    self.edges = edges
    self.output = output
    sequence = Node.created.wrappingAdd(1, ordering: .relaxed).newValue
  }

  /// Releases a graph of any depth without recursion: parents that nobody else holds are emptied before they go.
  deinit {
    if edges.isEmpty { return }
    var pending = Node.detach(&edges)
    while var node = pending.popLast() {
      if isKnownUniquelyReferenced(&node), !node.edges.isEmpty { pending += Node.detach(&node.edges) }
    }
  }

  private static func detach(_ edges: inout [Edge]) -> [Node] {
    let parents = edges.compactMap(\.parent)
    // The rules go while `parents` still holds every node they hold.
    edges.removeAll()
    return parents
  }
}

/// Whether operations are being recorded: a flag of each thread, so that one may sweep while another records.
enum Recording {
  static var isPaused: Bool { seep_tape_is_paused() != 0 }

  static func paused<R>(_ pause: Bool, _ body: () throws -> R) rethrows -> R {
    let before = seep_tape_is_paused()
    seep_tape_set_paused(pause ? 1 : 0)
    defer { seep_tape_set_paused(before) }
    return try body()
  }
}

/// Runs `body` without recording: results are constants.
public func withoutRecording<R>(_ body: () throws -> R) rethrows -> R { try Recording.paused(true, body) }

extension Variable {
  /// The result of an operation on one variable. `pull` is written in operations on variables, so it can be differentiated again.
  static func unary(
    _ a: Variable, _ value: Tensor, keepsOutput: Bool = false, operation: StaticString = #function,
    _ pull: @escaping (_ g: Variable, _ y: Variable) throws -> Variable
  ) -> Variable {
    FiniteWatch.look(value, [a], operation)
    guard let node = a.node, !Recording.isPaused else { return Variable(value) }
    return Variable(value, Node([Edge(node, pull)], output: keepsOutput ? value : nil))
  }

  static func binary(
    _ a: Variable, _ b: Variable, _ value: Tensor, keepsOutput: Bool = false, operation: StaticString = #function,
    _ pullA: @escaping (_ g: Variable, _ y: Variable) throws -> Variable,
    _ pullB: @escaping (_ g: Variable, _ y: Variable) throws -> Variable
  ) -> Variable {
    FiniteWatch.look(value, [a, b], operation)
    guard a.node != nil || b.node != nil, !Recording.isPaused else { return Variable(value) }
    var edges: [Edge] = []
    if let node = a.node { edges.append(Edge(node, pullA)) }
    if let node = b.node { edges.append(Edge(node, pullB)) }
    return Variable(value, Node(edges, output: keepsOutput ? value : nil))
  }

  static func many(
    _ operands: [Variable], _ value: Tensor, operation: StaticString = #function,
    _ pull: @escaping (_ index: Int, _ g: Variable) throws -> Variable
  ) -> Variable {
    FiniteWatch.look(value, operands, operation)
    guard !Recording.isPaused, operands.contains(where: { $0.node != nil }) else { return Variable(value) }
    let edges = operands.enumerated().compactMap { index, operand in
      operand.node.map { Edge($0) { g, _ in try pull(index, g) } }
    }
    return Variable(value, Node(edges, output: nil))
  }
}

/// Runs `body` with recording, also inside `withoutRecording`.
public func withRecording<R>(_ body: () throws -> R) rethrows -> R { try Recording.paused(false, body) }
