// Where the operands of a failed operation got their values: the text is read once more, as the checker reads it.
import Ground

extension Session {
  /// The places that gave values to those operands of a failure that are plain names.
  func origins(of failure: Failure) -> [Failure.Origin] {
    var maps: [ObjectIdentifier: SourceMap] = [:]
    return origins(of: failure, &maps)
  }

  /// - Parameter maps: those of files that were read already.
  func origins(of failure: Failure, _ maps: inout [ObjectIdentifier: SourceMap]) -> [Failure.Origin] {
    var operands = Set(failure.fault.operands.keys)
    if let argument = failure.fault.argument { operands.insert(argument) }
    func map(_ file: SourceHandle) -> SourceMap {
      if let known = maps[ObjectIdentifier(file)] { return known }
      let floor = machine.stackFloor()
      let checker = Checker(session: self, file: file, nativeLimit: floor)
      let made = SourceMap()
      checker.map = made
      checker.judgesValues = false
      let parsed = QuickParser.read(file.text, nativeLimit: floor)
      if parsed.errors.isEmpty { _ = checker.run(parsed.statements) }
      maps[ObjectIdentifier(file)] = made
      return made
    }
    return operands.sorted().compactMap { operand -> Failure.Origin? in
      guard failure.argumentSpans.indices.contains(operand) else { return nil }
      let span = failure.argumentSpans[operand]
      let written = failure.file.text(of: span)
      guard (1...60).contains(written.utf8.count), isPlainName(written) else { return nil }
      var origin = Failure.Origin(operand: operand, name: written, file: failure.file, span: span, isGiven: false)
      var trace = zip(failure.trace, failure.directCalls).map { $1 ? $0 : nil }[...]
      // Through parameters to the outermost caller that wrote something else than a name.
      while let use = map(origin.file).uses[origin.span] {
        guard let (function, index) = use.name.parameter else {
          guard let value = value(of: use, before: origin.span.start) else { return nil }
          origin.span = value
          origin.isGiven = false
          return origin
        }
        guard use.function == function, !use.name.isAssigned, let entry = trace.popFirst(), let call = entry,
          let given = map(call.file).calls[call.span]
        else { return nil }
        let name = use.name.name
        guard
          let argument = given.all.first(where: { $0.name == name })?.value
            ?? (given.positional.indices.contains(index) ? given.positional[index] : nil)
        else { return nil }
        origin.file = call.file
        origin.span = argument.span
        origin.isGiven = true
      }
      if origin.isGiven, !isPlainName(origin.file.text(of: origin.span)) { return origin }
      // Bound by an earlier entry of the session.
      if let place = names.state.places[origin.file.text(of: origin.span)], place.file !== origin.file {
        (origin.file, origin.span, origin.isGiven) = (place.file, place.span, false)
        return origin
      }
      return origin.isGiven ? origin : nil
    }
  }

  /// What a name was bound to last before its use; nil where that is not certain.
  private func value(of use: SourceMap.Use, before offset: Int) -> Span? {
    if use.name.isAssigned { return nil }
    if use.function != nil { return use.name.values.count == 1 ? use.name.values[0] : nil }
    return use.name.values.last { $0.end <= offset }
  }

  private func isPlainName(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, first.properties.isAlphabetic || first == "_" else { return false }
    return text.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || $0 == "_" || ("0"..."9").contains($0)
    } && !Tokenizer.keywords.contains(text)
  }
}
