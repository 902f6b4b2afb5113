// Calls that are not the machine's short path: matching of keywords, defaults and variadic arguments, builtins, foreign
// objects, compositions, and calls from Swift back into Seep.
import Ground

extension Machine {
  // MARK: From Swift

  /// Calls any callable with values from Swift.
  func invoke(_ callee: Slot, _ arguments: [Value], _ keywords: [(name: String, value: Value)]) throws -> Value {
    try requireNativeStack()
    let start = top
    let count = arguments.count + keywords.count
    try requireStack(start, count + 1)
    for (i, argument) in arguments.enumerated() { start[i] = argument.slot }
    for (i, keyword) in keywords.enumerated() { start[arguments.count + i] = keyword.value.slot }
    top = start + count
    defer {
      top = start
      wipe(start, count)
    }
    let names = keywords.map { Symbols.number($0.name) }
    return Value(taking: try call(callee, start, count, names))
  }

  /// Calls anything callable; arguments are borrowed, the result is the caller's. The last `keywords.count` arguments
  /// have these names.
  func call(_ callee: Slot, _ arguments: UnsafeMutablePointer<Slot>, _ count: Int, _ keywords: [Int]) throws -> Slot {
    switch callee.tag {
    case Tag.closure:
      let start = top
      try requireStack(start, count + 1)
      start[0] = callee.retained
      for i in 0..<count { start[i + 1] = arguments[i].retained }
      return try runNested(start, count, keywords)
    case Tag.builtin: return try callBuiltin(callee.builtinObject, arguments, count, keywords)
    case Tag.composed:
      let members = Heap.members(callee)
      var result = try call(members.pointee.items[0], arguments, count, keywords)
      for i in 1..<members.pointee.count {
        let slot = top
        slot[0] = result
        top = slot + 1
        defer {
          top = slot
          put(slot, .none)
        }
        result = try call(members.pointee.items[i], slot, 1, [])
      }
      return result
    case Tag.foreign: return try callForeign(callee.foreignObject, arguments, count, keywords)
    default:
      throw Fault(
        "not-callable", "\(callee.describedType) cannot be called",
        notes: callee.tag == Tag.string || callee.isNumber ? [] : ["It is `\(Display.text(callee, .short))`."])
    }
  }

  /// Forgets borrowed slots above the frames: what lies there must never look like a reference.
  @inline(__always)
  func wipe(_ start: UnsafeMutablePointer<Slot>, _ count: Int) {
    for i in 0..<count { start[i].tag = Tag.none }
  }

  // MARK: Builtins and foreign objects

  @inline(never)
  func callBuiltin(
    _ builtin: Builtin, _ arguments: UnsafeMutablePointer<Slot>, _ count: Int, _ keywords: [Int]
  ) throws -> Slot {
    if session.isObserved {
      return try observed(builtin.owner.map { "\($0).\(builtin.name)" } ?? builtin.name) {
        try perform(builtin, arguments, count, keywords)
      }
    }
    return try perform(builtin, arguments, count, keywords)
  }

  @inline(__always)
  private func perform(
    _ builtin: Builtin, _ arguments: UnsafeMutablePointer<Slot>, _ count: Int, _ keywords: [Int]
  ) throws -> Slot {
    let signature = builtin.signature
    if signature.isPlain, keywords.isEmpty, count == signature.parameters.count {
      var call = Call(
        session: session, name: signature.name, signature: signature, slots: arguments, slotCount: count,
        keywordNames: [])
      return try builtin.body(&call).retainedSlot
    }
    return try matched(signature, arguments, count, keywords) { try builtin.body(&$0).retainedSlot }
  }

  /// A call of the library that somebody watches: a profile, or who looks at each result.
  @inline(never)
  func observed(_ name: String, _ body: () throws -> Slot) throws -> Slot {
    let profile = session.profile
    let opened = profile?.enter(name, at: frameCount)
    defer { if let opened { profile?.leave(opened) } }
    let result = try body()
    do {
      try session.afterOperation?()
    } catch {
      result.release()
      throw error
    }
    return result
  }

  func callForeign(
    _ foreign: any Foreign, _ arguments: UnsafeMutablePointer<Slot>, _ count: Int, _ keywords: [Int]
  ) throws -> Slot {
    if session.isObserved {
      return try observed(foreign.callName) { try perform(foreign, arguments, count, keywords) }
    }
    return try perform(foreign, arguments, count, keywords)
  }

  private func perform(
    _ foreign: any Foreign, _ arguments: UnsafeMutablePointer<Slot>, _ count: Int, _ keywords: [Int]
  ) throws -> Slot {
    guard foreign.isCallable else {
      throw Fault("not-callable", "\(Slot.article(foreign.typeName)) cannot be called")
    }
    guard let signature = foreign.signature else {
      var call = Call(
        session: session, name: foreign.typeName, signature: nil, slots: arguments, slotCount: count,
        keywordNames: keywords.map { Symbols.name($0) })
      return try foreign.call(&call).retainedSlot
    }
    return try matched(signature, arguments, count, keywords) { try foreign.call(&$0).retainedSlot }
  }

  /// Puts arguments into the order of the parameters, calls, and turns a fault's parameter back into an argument.
  private func matched(
    _ signature: Signature, _ arguments: UnsafeMutablePointer<Slot>, _ count: Int, _ keywords: [Int],
    _ body: (inout Call) throws -> Slot
  ) throws -> Slot {
    let parameters = signature.parameters
    let start = top
    try requireStack(start, parameters.count)
    for i in 0..<parameters.count { start[i] = .absent }
    top = start + parameters.count
    var rest: Slot?
    defer {
      rest?.release()
      top = start
      wipe(start, parameters.count)
    }
    let positional = count - keywords.count
    for i in 0..<min(positional, signature.positionalCount) { start[i] = arguments[i] }
    if let variadic = signature.variadicIndex {
      let surplus = max(0, positional - signature.positionalCount)
      let list = Heap.list(Tag.list, copying: arguments + (positional - surplus), count: surplus)
      rest = list
      start[variadic] = list
    } else if positional > signature.positionalCount {
      throw surplusArgument(
        signature.text, signature.positionalCount, positional,
        next: parameters.count > signature.positionalCount ? parameters[signature.positionalCount].name : nil)
    }
    for (k, symbol) in keywords.enumerated() {
      let at = positional + k
      let name = Symbols.name(symbol)
      guard let place = signature.index(of: name), !parameters[place].isVariadic else {
        throw unknownKeyword(name, signature.name, parameters.filter { !$0.isVariadic }.map(\.name), at)
      }
      if start[place].tag != Tag.absent { throw givenTwice(name, signature.name, at) }
      start[place] = arguments[at]
    }
    for (i, parameter) in parameters.enumerated() where parameter.isNeeded && start[i].tag == Tag.absent {
      throw missingArgument(parameter.name, signature.text, signature.name)
    }
    var call = Call(
      session: session, name: signature.name, signature: signature, slots: start, slotCount: parameters.count,
      keywordNames: [])
    do {
      return try body(&call)
    } catch var fault as Fault where fault.argument != nil || !fault.operands.isEmpty {
      func source(_ parameter: Int) -> Int? {
        guard parameters.indices.contains(parameter) else { return nil }
        if let k = keywords.firstIndex(of: Symbols.number(parameters[parameter].name)) { return positional + k }
        return parameter < positional ? parameter : nil
      }
      if pending?.fault == fault { throw fault }
      fault.argument = fault.argument.flatMap(source)
      var moved: [Int: String] = [:]
      for (at, label) in fault.operands { if let to = source(at) { moved[to] = label } }
      fault.operands = moved
      throw fault
    }
  }

  // MARK: Closures with anything unusual

  /// Rearranges `count` arguments at `base` (the callee's first register) for a function that is not called plainly.
  /// On an error the arguments are released.
  func arrange(_ info: FunctionInfo, _ base: UnsafeMutablePointer<Slot>, _ count: Int, _ keywords: [Int]) throws {
    let parameters = info.parameters
    let positional = count - keywords.count
    let taken = info.variadicIndex ?? parameters.count
    var given = (0..<count).map { base[$0] }
    do {
      if info.variadicIndex == nil, positional > parameters.count {
        throw surplusArgument(info.title, parameters.count, positional, next: nil)
      }
      var arranged = [Slot](repeating: .absent, count: parameters.count)
      for i in 0..<min(positional, taken) {
        arranged[i] = given[i]
        given[i] = .absent
      }
      var placed = arranged
      for (k, symbol) in keywords.enumerated() {
        let at = positional + k
        guard let place = parameters.firstIndex(where: { $0.symbol == symbol }), place != info.variadicIndex else {
          given = (0..<count).map { base[$0] }
          throw unknownKeyword(
            Symbols.name(symbol), info.name, parameters.map { Symbols.name($0.symbol) }, at)
        }
        if placed[place].tag != Tag.absent {
          given = (0..<count).map { base[$0] }
          throw givenTwice(Symbols.name(symbol), info.name, at)
        }
        placed[place] = given[at]
      }
      for (i, parameter) in parameters.enumerated()
      where parameter.isNeeded && placed[i].tag == Tag.absent && i != info.variadicIndex {
        given = (0..<count).map { base[$0] }
        var fault = missingArgument(Symbols.name(parameter.symbol), info.title, info.name)
        // `pairs |> map((a, b) => …)`: one pair came where two values were expected.
        if count == 1, parameters.count > 1, let only = given.first, only.tag == Tag.tuple || only.tag == Tag.list,
          only.list.pointee.count == parameters.count, info.name == nil
        {
          fault.notes = ["One \(only.typeName) of \(parameters.count) came: parentheses take it apart."]
          fault.help = "(\(info.title.drop { $0 != "(" })) => …"
        }
        throw fault
      }
      if let variadic = info.variadicIndex {
        let body = Heap.emptyList(Tag.list, capacity: max(0, positional - taken))
        if positional > taken { for i in taken..<positional { Heap.append(body, given[i]) } }
        placed[variadic] = Slot(tag: Tag.list, pointer: body)
      }
      if parameters.count > count { for i in count..<parameters.count { base[i].release() } }
      for i in 0..<parameters.count { base[i] = placed[i] }
      if count > parameters.count { wipe(base + parameters.count, count - parameters.count) }
    } catch {
      for slot in given { slot.release() }
      for i in 0..<count { base[i] = .none }
      throw error
    }
  }

  // MARK: Words

  /// A function in a sentence: its name, where it has one.
  private func named(_ function: String?) -> String { function.map { "`\($0)`" } ?? "this function" }

  func missingArgument(_ name: String, _ title: String, _ function: String?) -> Fault {
    // Python's range(3).
    let help = function == "range" && name == "stop" ? "0..{0}" : nil
    return Fault(
      "missing-argument", "\(named(function)) needs the argument `\(name)`", notes: ["It is called as `\(title)`."],
      help: help)
  }

  func surplusArgument(_ title: String, _ allowed: Int, _ given: Int, next: String?) -> Fault {
    let some = allowed == 0 ? "no arguments" : (allowed == 1 ? "one argument" : "\(allowed) arguments")
    return Fault(
      "surplus-argument", "`\(title)` takes \(some), but \(given) were given",
      help: next.map { "give it by name: \($0): …" }, argument: allowed)
  }

  func unknownKeyword(_ name: String, _ function: String?, _ known: [String], _ argument: Int) -> Fault {
    let near = nearestName(to: name, among: known)
    return Fault(
      "unknown-argument", "\(named(function)) has no argument `\(name)`",
      notes: known.isEmpty ? [] : ["It has \(known.map { "`\($0)`" }.joined(separator: ", "))."],
      help: near.map { "\($0): …" }, argument: argument)
  }

  func givenTwice(_ name: String, _ function: String?, _ argument: Int) -> Fault {
    Fault("argument-given-twice", "`\(name)` of \(named(function)) is given twice", argument: argument)
  }
}

extension Slot {
  static func article(_ name: String) -> String {
    guard let first = name.utf8.first else { return name }
    return ([97, 101, 105, 111, 117].contains(first) ? "an " : "a ") + name
  }
}
