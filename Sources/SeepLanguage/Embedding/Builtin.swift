// A function of the library, declared once: what the machine calls and what help, completion and the manual show.
import Ground
import Synchronization

/// A function of the library: written in Swift, or in Seep and known to Swift by its heading.
public final class Builtin: @unchecked Sendable {
  public typealias Body = (inout Call) throws -> Value

  /// What stands at the head of a function: how it is called, and what help shows.
  public struct Heading: Sendable {
    public var signature: Signature
    /// Markdown: what it does, units, ranges, errors, source.
    public var documentation: String
    /// Seep code with `# expect:` marks; the tests run it.
    public var example: String

    public init(signature: Signature, documentation: String, example: String) {
      self.signature = signature
      self.documentation = documentation
      self.example = example
    }
  }

  public let name: String
  private let makeHeading: () -> Heading
  /// Read at the first call or question, since a program uses few of the names it could.
  private let madeHeading = AtomicLazyReference<Made>()
  private let madeSignature = AtomicLazyReference<Signature>()
  private var heading: Heading { (madeHeading.load() ?? madeHeading.storeIfNil(Made(makeHeading()))).heading }
  public var signature: Signature { madeSignature.load() ?? madeSignature.storeIfNil(heading.signature) }
  public var documentation: String { heading.documentation }
  public var example: String { heading.example }
  /// Makes a defense, a layer or an attack: `x |> f(y)` and `x.f(y)` make it with `y` and apply it to `x`.
  public let isConstructor: Bool
  /// Names under which the reference lists it: `tensors`, `defenses`.
  public let group: String
  let body: Body
  /// Of a function that is a field: whose, for a profile: `ggl` of `ggl(…).run`.
  public let owner: String?

  /// - Parameters:
  ///   - signature: see `Signature`; its name is the function's name.
  ///   - body: gets the matched arguments; throws a `Fault`, whose `argument` is the index of the guilty parameter.
  public init(
    _ signature: String, group: String = "", _ documentation: String, example: String = "", constructor: Bool = false,
    owner: String? = nil, body: @escaping Body
  ) {
    self.owner = owner
    name = Signature.name(in: signature)
    makeHeading = { Heading(signature: Signature(signature), documentation: documentation, example: example) }
    self.group = group
    isConstructor = constructor
    self.body = body
  }

  private final class Made: Sendable {
    let heading: Heading
    init(_ heading: Heading) { self.heading = heading }
  }

  /// A function whose heading is read when it is first asked for: one that is written in Seep.
  public init(name: String, group: String, heading: @escaping () -> Heading, body: @escaping Body) {
    self.name = name
    self.group = group
    owner = nil
    makeHeading = heading
    isConstructor = false
    self.body = body
  }

  private init(_ other: Builtin, body: @escaping Body) {
    name = other.name
    makeHeading = other.makeHeading
    group = other.group
    isConstructor = other.isConstructor
    owner = other.owner
    self.body = body
  }

  /// The same function, which tells of every call before it works: for a run that is watched.
  package func watched(_ note: @escaping () -> Void) -> Builtin {
    let body = body
    return Builtin(self) {
      note()
      return try body(&$0)
    }
  }

  /// As in `Builtin("psnr", "psnr(a, b, peak: 1.0)", …)`: the name must be the signature's.
  public convenience init(
    _ name: String, _ signature: String, _ documentation: String, example: String, group: String = "",
    constructor: Bool = false, body: @escaping Body
  ) {
    precondition(signature.hasPrefix(name), "the signature of \(name) names another function")
    self.init(
      signature, group: group, documentation, example: example, constructor: constructor, body: body)
  }
}

/// A set of builtins and named constants that a session offers to programs.
public struct Library {
  public var builtins: [Builtin]
  public var constants: [(name: String, value: Value)]
  /// What is known of calls without running them, by the function's name: for `seep check`.
  public var rule: ((_ name: String) -> KnownCall.Rule?)?

  public init(
    _ builtins: [Builtin] = [], constants: [(name: String, value: Value)] = [],
    rule: ((_ name: String) -> KnownCall.Rule?)? = nil
  ) {
    self.builtins = builtins
    self.constants = constants
    self.rule = rule
  }

  public static func + (a: Library, b: Library) -> Library {
    Library(
      a.builtins + b.builtins, constants: a.constants + b.constants,
      rule: a.rule == nil ? b.rule : b.rule == nil ? a.rule : { b.rule?($0) ?? a.rule?($0) })
  }
}
