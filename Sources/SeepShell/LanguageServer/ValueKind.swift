// What kind of value an expression has, as far as its text tells: by the library's constructors, and fields of their results. The
// tables are compared with the library's own values by a test.
import Ground
import SeepLanguage

/// The kind of a value.
indirect enum ValueKind: Equatable {
  /// By the name that `type(x)` gives.
  case plain(String)
  case tuple([ValueKind?])
  case record([RecordField])
  /// What `use` binds to the names of this file.
  case module(String)

  struct RecordField: Equatable {
    var name: String
    var kind: ValueKind?
  }

  /// As `type(x)` says.
  var typeName: String {
    switch self {
    case .plain(let name): name
    case .tuple: "tuple"
    case .record, .module: "record"
    }
  }
}

package enum LibraryKinds {
  /// What a call of a name of the library gives, by what kind it is.
  static let results: [String: String] = {
    let names: [(String, String)] = [
      ("attack", "analytic dlg ggl gias gifd grad_inversion idlg inverting_gradients lti untrained_prior"),
      ("attack", "class_mean prior_only retrieval"),
      ("audit", "audit"), ("data", "load_images"), ("dataset", "dataset"),
      (
        "defense",
        "clip clip_value dp dropout_gradient error_feedback laplace low_precision mixup noise prune qsgd quantize random_k sign_only soteria terngrad top_k"
      ),
      ("guarantee", "epsilon"), ("leak", "run"),
      (
        "model",
        "cnn cnn6 convnet lenet mlp onnx resnet18 train vgg11 conv dense dropout residual group_norm"
      ),
      ("optimizer", "sgd adam lbfgs"), ("search", "cma_es random_search turbo"),
      ("prior", "prior"),
      ("tensor", "arange eye full linspace ones rand randn tensor zeros zeros_like sample load_image"),
      ("tensor", "conv2d reshape permute flatten stack pad gather one_hot resize"),
      ("update", "share local_update aggregate as_gradient"), ("string", "str join summary"),
    ]
    return names.reduce(into: [:]) { table, row in
      for name in row.1.split(separator: " ") { table[String(name)] = row.0 }
    }
  }()

  /// Fields by kind, each with its kind, or `-` where that depends.
  static let fields: [String: String] = [
    "tensor": "shape:list rank:int size:int dtype:string T:tensor",
    "model": "params:record buffers:record with:function gradient:function mode:function input_shape:- output_shape:-",
    "update":
      "names:list params:record norm:float size:int sparsity:float loss:- scale:float examples:int mode:string defense:- kind:string steps:- lr:-",
    "leak":
      "image:tensor images:tensor label:- labels:- loss:- history:- evaluations:int seconds:float interrupted:bool attack:- threat_model:-",
    "attack": "run:function threat_model:string", "prior": "generator:- latent:int classes:- about:- image_shape:-",
    "dataset": "public:data private:data test:data about:string", "data": "images:tensor labels:tensor classes:-",
    "audit": "rows:list cells:list manifest:record utility:- done:int total:int interrupted:bool",
    "guarantee":
      "epsilon:float delta:float unit:string neighbours:string steps:int sample_rate:- noise_multiplier:- order:- exact:- remark:-",
  ]

  /// Functions that are fields, as they are called, and the kind of what they give.
  static let memberFunctions: [String: (signature: String, result: String)] = [
    "attack.run": ("run(shared, model, label: none, labels: none)", "leak"), "model.with": ("with(params)", "model"),
    "model.gradient": ("gradient(x, y)", "record"), "model.mode": ("mode(name)", "model"),
  ]

  // MARK: For the test that compares the tables with the library

  /// Fields of a type, with their types where they are known.
  package static func fieldKinds(of type: String) -> [(name: String, kind: String?)] {
    fieldKinds(type).map { ($0.name, $0.kind?.typeName) }
  }
  package static func result(_ name: String) -> String? { results[name] }
  package static func signature(_ type: String, _ member: String) -> String? {
    memberFunctions["\(type).\(member)"]?.signature
  }
  package static var typesWithFields: [String] { fields.keys.sorted() }
  package static var known: [String] { results.keys.sorted() }

  static func fieldKinds(_ type: String) -> [ValueKind.RecordField] {
    (fields[type] ?? "").split(separator: " ").map { field in
      let parts = field.split(separator: ":").map(String.init)
      return ValueKind.RecordField(name: parts[0], kind: parts[1] == "-" ? nil : .plain(parts[1]))
    }
  }

  /// What indexing by a whole number, or going through with `for`, gives.
  static func item(_ kind: ValueKind) -> ValueKind? {
    switch kind {
    case .plain("data"): .tuple([.plain("tensor"), .plain("int")])
    case .plain("tensor"): .plain("tensor")
    case .plain("range"): .plain("int")
    case .plain("string"): .plain("string")
    default: nil
    }
  }
}

/// Reads the kinds of the expressions of one text.
struct KindReader {
  let index: NameIndex
  let session: Session
  let folder: String?
  /// Definitions followed one after the other.
  private static let depthLimit = 24

  func kind(_ expression: Expression, depth: Int = 0) -> ValueKind? {
    guard depth < KindReader.depthLimit else { return nil }
    func inner(_ expression: Expression) -> ValueKind? { kind(expression, depth: depth + 1) }
    switch expression.kind {
    case .string, .interpolation: return .plain("string")
    case .int: return .plain("int")
    case .float: return .plain("float")
    case .bool: return .plain("bool")
    case .list: return .plain("list")
    case .range: return .plain("range")
    case .function: return .plain("function")
    case .tuple(let items): return .tuple(items.map(inner))
    case .record(let fields):
      return .record(fields.map { ValueKind.RecordField(name: $0.name, kind: inner($0.value)) })
    case .name(let name):
      guard let known = index.name(name, in: expression.span) else {
        return session.lookup(name)?.builtin == nil ? nil : .plain("function")
      }
      return kind(of: known, before: expression.span.start, depth: depth + 1)
    case .call(let callee, _):
      guard case .name(let name) = callee.kind else { return nil }
      return result(name, index.name(name, in: callee.span), depth)
    case .method(let subject, let name, let span, _):
      if let type = inner(subject)?.typeName, let member = LibraryKinds.memberFunctions["\(type).\(name)"] {
        return .plain(member.result)
      }
      return result(name, index.members[span.start]?.known, depth)
    case .pipe(let subject, let callee):
      var function = callee
      if case .call(let called, _) = callee.kind { function = called }
      guard case .name(let name) = function.kind else { return nil }
      let known = index.name(name, in: function.span)
      if known == nil, session.lookup(name)?.builtin?.isConstructor == true { return inner(subject) }
      return result(name, known, depth)
    case .field(let subject, let name, _):
      return inner(subject).flatMap { fields(of: $0).first { $0.name == name }?.kind }
    case .index(let subject, let items):
      guard let of = inner(subject), items.count == 1, let item = items[0] else {
        return inner(subject) == .plain("tensor") ? .plain("tensor") : nil
      }
      if case .tuple(let kinds) = of, case .int(let at) = item.kind {
        return kinds.indices.contains(at) ? kinds[at] : nil
      }
      return inner(item) == .plain("range") ? of : LibraryKinds.item(of)
    case .compose(let left, let right):
      let kinds = [inner(left), inner(right)].compactMap { $0 }.filter { $0 != .plain("function") }
      return kinds.first
    case .binary(_, let left, let right):
      return inner(left) == .plain("tensor") || inner(right) == .plain("tensor") ? .plain("tensor") : nil
    case .unary(_, let value): return inner(value)
    case .with(let value, _): return inner(value)
    case .ifElse(_, let yes, let no):
      let kind = inner(yes)
      return no.flatMap(inner) == kind ? kind : nil
    case .block(let statements):
      guard case .expression(let last)? = statements.last?.kind else { return nil }
      return inner(last)
    case .none, .and, .or, .notIn, .match, .tryCatch: return nil
    }
  }

  private func result(_ name: String, _ known: CheckedName?, _ depth: Int) -> ValueKind? {
    if let known { return known.function.flatMap { kind($0.body, depth: depth + 1) } }
    return LibraryKinds.results[name].map { .plain($0) }
  }

  /// What a name stands for at a place.
  func kind(of name: CheckedName, before offset: Int, depth: Int = 0) -> ValueKind? {
    guard depth < KindReader.depthLimit else { return nil }
    if let module = name.module {
      if heading(of: name) != nil { return .plain("function") }
      return session.moduleFile(module.path, isFile: module.isFile, folder: folder).map { .module($0) }
    }
    if name.function != nil { return .plain("function") }
    guard !name.isAssigned, let source = name.sources.last(where: { $0.value.span.end <= offset }) ?? name.sources.first
    else { return nil }
    var value = kind(source.value, depth: depth + 1)
    if source.isEach { value = value.flatMap(LibraryKinds.item) }
    return value.flatMap { part(name.name, source.pattern, $0) }
  }

  /// How a function of the text is called, or the function that `use attacks.dlg` binds.
  func heading(of name: CheckedName) -> Heading? {
    if let function = name.function { return Heading(function, name.name, index.analysis.file) }
    guard let module = name.module, !module.isFile, name.name == module.ownName,
      let path = session.moduleFile(module.path, isFile: false, folder: folder), let file = ModuleFile(path, session)
    else { return nil }
    return file.names.first { $0.name == name.name }.flatMap(file.heading)
  }

  private func part(_ name: String, _ pattern: Pattern, _ kind: ValueKind) -> ValueKind? {
    switch pattern.kind {
    case .name(let own): return own == name ? kind : nil
    case .tuple(let items, nil), .list(let items, nil):
      guard case .tuple(let kinds) = kind, kinds.count == items.count else { return nil }
      return zip(items, kinds).lazy.compactMap { item, kind in kind.flatMap { part(name, item, $0) } }.first
    case .record(let patterns, _):
      let all = fields(of: kind)
      return patterns.lazy.compactMap { one in
        all.first { $0.name == one.name }?.kind.flatMap { part(name, one.pattern, $0) }
      }.first
    case .anything, .value, .either, .tuple, .list: return nil
    }
  }

  /// The fields of a value of a kind; none where they are not known.
  func fields(of kind: ValueKind) -> [ValueKind.RecordField] {
    switch kind {
    case .plain(let type): LibraryKinds.fieldKinds(type)
    case .record(let fields): fields
    case .tuple, .module: []
    }
  }
}
