// From text to tokens. Strings with braces become parts; their expressions are parsed from the same text.
import Ground

enum TokenKind: Equatable {
  case int(Int)
  case float(Double)
  case text([RawPart])
  case name(String)
  case keyword(String)
  case symbol(String)
  case doc(String)
  case end
}

/// A part of a string: text, or the place of an expression and its format.
enum RawPart: Equatable {
  case text(String)
  case value(Span, format: String?)
}

struct Token {
  var kind: TokenKind
  var span: Span
  var newlineBefore: Bool
}

struct Tokenizer {
  static let keywords: Set<String> = [
    "let", "var", "fn", "if", "else", "for", "in", "while", "break", "continue", "return", "match", "try", "catch",
    "raise", "use", "as", "assert", "defer", "with", "and", "or", "not", "none", "true", "false",
  ]
  static let symbols: [String] = [
    "..=", "...", "//=", "|>", ">>", "=>", "==", "!=", "<=", ">=", "//", "..", "+=", "-=", "*=", "/=", "%=", "^=", "@=",
    "(",
    ")", "[",
    "]", "{", "}", ",", ":", ";", ".", "+", "-", "*", "/", "%", "^", "@", "<", ">", "=", "|",
  ]
  let text: [UInt8]
  var at: Int
  let end: Int
  /// What could not be read; a token stands in its place where one is needed to go on.
  var errors: [CompileError] = []
  /// The symbols that begin with each byte, longer ones first.
  private static let symbolsByByte: [[(symbol: String, bytes: [UInt8])]] = {
    var found = [[(symbol: String, bytes: [UInt8])]](repeating: [], count: 256)
    for symbol in symbols {
      let bytes = Array(symbol.utf8)
      found[Int(bytes[0])].append((symbol, bytes))
    }
    return found
  }()
  private static let longestKeyword = keywords.map(\.utf8.count).max() ?? 0

  init(_ text: [UInt8], from: Int = 0, to: Int? = nil) {
    self.text = text
    at = from
    end = to ?? text.count
  }

  fileprivate func error(_ message: String, _ from: Int, _ to: Int) -> CompileError {
    CompileError(fault: Fault("syntax", message), site: Site(from: Int32(from), to: Int32(min(to, end))))
  }

  mutating func all() -> [Token] {
    var tokens: [Token] = []
    if at == 0, end >= 3, text[0] == 0xEF, text[1] == 0xBB, text[2] == 0xBF { at = 3 }  // a byte order mark
    var newline = true
    while true {
      while at < end {
        let c = text[at]
        if c == 10 {
          newline = true
          at += 1
        } else if c == 32 || c == 9 || c == 13 {
          at += 1
        } else if c == 35 {
          let start = at
          while at < end, text[at] != 10 { at += 1 }
          if start + 1 < end, text[start + 1] == 35, newline {
            var words = WrittenLine.trimmed(text[(start + 2)..<max(start + 2, at)])
            if words.hasPrefix(" ") { words.removeFirst() }
            tokens.append(Token(kind: .doc(words), span: Span(start, at), newlineBefore: true))
          }
        } else {
          break
        }
      }
      if at >= end {
        tokens.append(Token(kind: .end, span: Span(end, end), newlineBefore: true))
        return tokens
      }
      let start = at
      do {
        let kind = try next()
        tokens.append(Token(kind: kind, span: Span(start, at), newlineBefore: newline))
        newline = false
      } catch {
        if let mistake = error as? CompileError { errors.append(mistake) }
        guard let kind = skip(start) else { continue }
        tokens.append(Token(kind: kind, span: Span(start, at), newlineBefore: newline))
        newline = false
      }
    }
  }

  /// Goes on behind what could not be read; the token that it probably was meant to be.
  private mutating func skip(_ start: Int) -> TokenKind? {
    if text[start] == 34 {
      // From its beginning: a brace without an end has taken the quotes behind it for those of an inner string.
      let isLong = start + 2 < end && text[start + 1] == 34 && text[start + 2] == 34
      if !isLong { at = start + 1 }
      while at < end, text[at] != 34, text[at] != 10 { at += text[at] == 92 ? 2 : 1 }
      at = min(end, at)
      if at < end, text[at] == 34 { at += 1 }
      return .text([.text("")])
    }
    if isDigit(text[start]) { return .int(0) }
    if text[start] == 39 || isCurlyQuote(start) { return .text([.text("")]) }
    at = max(at, start + 1)
    return nil
  }

  private func isDigit(_ c: UInt8) -> Bool { c >= 48 && c <= 57 }
  private func isASCIILetter(_ c: UInt8) -> Bool { c >= 97 && c <= 122 || c >= 65 && c <= 90 || c == 95 }

  /// The bytes of a letter, or inside of a name of what may follow one; 0 if something else stands here.
  private func letter(_ at: Int, isFirst: Bool) -> Int {
    let c = text[at]
    if c < 128 { return isASCIILetter(c) || !isFirst && isDigit(c) ? 1 : 0 }
    guard let (scalar, length) = scalar(at) else { return 0 }
    let properties = scalar.properties
    return (isFirst ? properties.isXIDStart : properties.isXIDContinue) ? length : 0
  }

  /// The character that begins at a byte.
  private func scalar(_ at: Int) -> (Unicode.Scalar, length: Int)? {
    let length = text[at] < 0x80 ? 1 : text[at] < 0xE0 ? 2 : text[at] < 0xF0 ? 3 : 4
    guard at + length <= end,
      let found = String(decoding: text[at..<(at + length)], as: UTF8.self).unicodeScalars.first
    else { return nil }
    return (found, length)
  }

  private mutating func next() throws -> TokenKind {
    let c = text[at]
    if isDigit(c) { return try number() }
    let first = letter(at, isFirst: true)
    if first > 0 {
      let start = at
      at += first
      while at < end {
        let more = letter(at, isFirst: false)
        if more == 0 { break }
        at += more
      }
      let word = String(decoding: text[start..<at], as: UTF8.self)
      return at - start <= Tokenizer.longestKeyword && Tokenizer.keywords.contains(word) ? .keyword(word) : .name(word)
    }
    if c == 34 { return try string() }
    for (symbol, bytes) in Tokenizer.symbolsByByte[Int(c)] where stands(bytes) {
      at += bytes.count
      return .symbol(symbol)
    }
    throw strange()
  }

  private func stands(_ bytes: [UInt8]) -> Bool {
    guard at + bytes.count <= end else { return false }
    for offset in bytes.indices where text[at + offset] != bytes[offset] { return false }
    return true
  }

  /// A character that begins nothing; of those that other languages use it says what Seep writes.
  private mutating func strange() -> CompileError {
    let start = at
    func habit(_ message: String, _ help: String?, _ end: Int) -> CompileError {
      at = end
      return CompileError(
        fault: Fault(QuickParser.habitCode, message, help: help), site: Site(from: Int32(start), to: Int32(end)))
    }
    let next = at + 1 < end ? text[at + 1] : 0
    switch text[at] {
    case 33: return habit("Seep writes `not`, not `!`", "not", at + 1)
    case 38 where next == 38: return habit("Seep writes `and`, not `&&`", "and", at + 2)
    case 38: return habit("there is no `&` in Seep: masks are joined with `and`", "and", at + 1)
    case 39:
      var close = at + 1
      while close < end, text[close] != 39, text[close] != 10 { close += text[close] == 92 ? 2 : 1 }
      close = min(close, end)
      let isClosed = close < end && text[close] == 39
      let inside = String(decoding: text[(at + 1)..<close], as: UTF8.self)
      return habit(
        "strings stand in double quotes in Seep", isClosed && !inside.contains("\"") ? "\"\(inside)\"" : nil,
        min(end, close + 1))
    case 63: return habit("there is no `?` in Seep: `if` is an expression", "if … { … } else { … }", at + 1)
    case 92:
      return habit("a line goes on by itself in Seep: after an operator, a comma, or inside of brackets", nil, at + 1)
    case 126: return habit("there is no `~` in Seep", "not", at + 1)
    case 0: return habit("this text holds a NUL byte: it is not a text file", nil, at + 1)
    default: return strangeCharacter()
    }
  }

  private static let curlyQuotes: Set<Unicode.Scalar> = [
    "\u{201C}", "\u{201D}", "\u{201E}", "\u{2018}", "\u{2019}", "\u{201A}", "\u{AB}", "\u{BB}",
  ]
  /// Characters that look like symbols of Seep, and those symbols.
  private static let likeness: [Unicode.Scalar: String] = [
    "\u{D7}": "*", "\u{F7}": "/", "\u{2212}": "-", "\u{2013}": "-", "\u{2014}": "-", "\u{2264}": "<=",
    "\u{2265}": ">=", "\u{2260}": "!=", "\u{2192}": "=>", "\u{21D2}": "=>", "\u{2026}": "...", "\u{B7}": "*",
    "\u{FF08}": "(", "\u{FF09}": ")", "\u{FF0C}": ",", "\u{FF1A}": ":", "\u{FF1D}": "=", "\u{2227}": "and",
    "\u{2228}": "or", "\u{AC}": "not", "\u{2208}": "in",
  ]

  private func isCurlyQuote(_ at: Int) -> Bool { scalar(at).map { Tokenizer.curlyQuotes.contains($0.0) } ?? false }

  /// A character that is neither a letter nor a symbol, with its name where it cannot be seen.
  private mutating func strangeCharacter() -> CompileError {
    let start = at
    guard let (character, length) = scalar(start) else {
      at += 1
      return error("this byte is not text", start, at)
    }
    at += length
    func made(_ message: String, _ help: String? = nil) -> CompileError {
      CompileError(fault: Fault("syntax", message, help: help), site: Site(from: Int32(start), to: Int32(at)))
    }
    let digits = String(character.value, radix: 16, uppercase: true)
    let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    if Tokenizer.curlyQuotes.contains(character) {
      var close = at
      while close < end, text[close] != 10, !isCurlyQuote(close) { close += scalar(close)?.length ?? 1 }
      let isClosed = close < end && isCurlyQuote(close)
      let inside = String(decoding: text[at..<close], as: UTF8.self)
      at = isClosed ? close + (scalar(close)?.length ?? 1) : close
      return made(
        "this is a curly quote (\(code)): strings stand in straight ones, `\"`",
        isClosed && !inside.contains("\"") ? "\"\(inside)\"" : nil)
    }
    if character.properties.isWhitespace || character.properties.generalCategory == .format {
      let name = character.properties.name.map { "\($0.lowercased()) (\(code))" } ?? code
      return made("this blank is a \(name); Seep reads ordinary blanks only: write a space")
    }
    if let symbol = Tokenizer.likeness[character] {
      return made("`\(character)` (\(code)) is not a symbol of Seep", symbol)
    }
    if character.properties.isXIDContinue {
      return made("a name does not begin with `\(character)` (\(code)): first a letter or `_`")
    }
    return made("`\(character)` (\(code)) is neither a letter nor a symbol: names have letters, digits and `_`")
  }

  /// `0xff`, `0b101`, `0o17`; nil if the number is decimal.
  private mutating func numberOfOtherBase(_ start: Int) throws -> TokenKind? {
    guard text[at] == 48, at + 2 < end, let radix = [120: 16, 98: 2, 111: 8][text[at + 1]] else { return nil }
    func isPart(_ c: UInt8) -> Bool { isDigit(c) || isASCIILetter(c) }
    guard isPart(text[at + 2]) else { return nil }
    at += 2
    while at < end, isPart(text[at]) { at += 1 }
    let word = String(decoding: text[start..<at], as: UTF8.self)
    guard let value = Int(word.dropFirst(2).filter { $0 != "_" }, radix: radix) else {
      throw error("\(word) is not a number of base \(radix), or does not fit into a 64-bit integer", start, at)
    }
    return .int(value)
  }

  private mutating func number() throws -> TokenKind {
    let start = at
    if let other = try numberOfOtherBase(start) { return other }
    var isFloat = false
    while at < end, isDigit(text[at]) || text[at] == 95 { at += 1 }
    if at + 1 < end, text[at] == 46, isDigit(text[at + 1]) {
      isFloat = true
      at += 1
      while at < end, isDigit(text[at]) || text[at] == 95 { at += 1 }
    }
    if at < end, text[at] == 101 || text[at] == 69 {
      var look = at + 1
      if look < end, text[look] == 43 || text[look] == 45 { look += 1 }
      if look < end, isDigit(text[look]) {
        isFloat = true
        at = look
        while at < end, isDigit(text[at]) { at += 1 }
      }
    }
    let word = String(decoding: text[start..<at].filter { $0 != 95 }, as: UTF8.self)
    if isFloat { return .float(Double(word) ?? 0) }
    if let value = Int(word) { return .int(value) }
    // Behind a minus it is the least int; the parser sees to it.
    if word.drop(while: { $0 == "0" }) == "9223372036854775808" { return .int(Int.min) }
    throw error("\(word) does not fit into a 64-bit integer", start, at)
  }

  private mutating func string() throws -> TokenKind {
    let start = at
    let margin = try openString()
    var parts: [RawPart] = []
    var bytes: [UInt8] = []
    while true {
      guard at < end, margin != nil || text[at] != 10 else { throw error("this string has no end", start, at) }
      let c = text[at]
      if let margin, c == 10 {
        at += 1
        let line = at
        while at < end, at - line < margin, text[at] == 32 || text[at] == 9 { at += 1 }
        if !closes(at) { bytes.append(c) }
        continue
      }
      if margin != nil ? closes(at) : c == 34 {
        at += margin != nil ? 3 : 1
        if !bytes.isEmpty || parts.isEmpty { parts.append(.text(String(decoding: bytes, as: UTF8.self))) }
        return .text(parts)
      }
      if c == 92 {
        at += 1
        let escape = at < end ? text[at] : 0
        at += 1
        switch escape {
        case 110: bytes.append(10)
        case 116: bytes.append(9)
        case 114: bytes.append(13)
        case 101: bytes.append(27)
        case 34, 92: bytes.append(escape)
        case 117: bytes += try scalar()
        default: throw error("there is no escape of this letter", at - 2, at)
        }
      } else if c == 123, at + 1 < end, text[at + 1] == 123 {
        bytes.append(c)
        at += 2
      } else if c == 125, at + 1 < end, text[at + 1] == 125 {
        bytes.append(c)
        at += 2
      } else if c == 123 {
        if !bytes.isEmpty { parts.append(.text(String(decoding: bytes, as: UTF8.self))) }
        bytes = []
        parts.append(try hole())
      } else {
        bytes.append(c)
        at += 1
      }
    }
  }

  private func closes(_ at: Int) -> Bool {
    at + 2 < end && text[at] == 34 && text[at + 1] == 34 && text[at + 2] == 34
  }

  /// Goes behind the quotes. nil for a string of one line; for one between `"""` how many blanks its lines begin with that
  /// do not count: those before the `"""` that ends it, if that stands alone on its line. A line break right after the
  /// opening does not count either.
  private mutating func openString() throws -> Int? {
    let start = at
    guard closes(at) else {
      at += 1
      return nil
    }
    at += 3
    var look = at
    var line = at
    while look < end, !closes(look) {
      if text[look] == 10 { line = look + 1 }
      look += text[look] == 92 ? 2 : 1
    }
    guard look < end else {
      var mistake = error("this string has no end", start, at)
      mistake.isAtEnd = true
      at = end
      throw mistake
    }
    let isAlone = text[line..<look].allSatisfy { $0 == 32 || $0 == 9 } && line > at
    let margin = isAlone ? look - line : 0
    if text[at] == 13, at + 1 < end, text[at + 1] == 10 { at += 1 }
    if text[at] == 10 {
      at += 1
      let first = at
      while at < end, at - first < margin, text[at] == 32 || text[at] == 9 { at += 1 }
    }
    return margin
  }

  /// The character of `\u{e9}`, from its brace on.
  private mutating func scalar() throws -> [UInt8] {
    let open = at
    if at < end, text[at] == 123 { at += 1 }
    let digits = at
    while at < end, isDigit(text[at]) || isASCIILetter(text[at]) { at += 1 }
    guard digits > open, at < end, text[at] == 125, at - digits <= 6,
      let code = UInt32(String(decoding: text[digits..<at], as: UTF8.self), radix: 16), let found = Unicode.Scalar(code)
    else { throw error("an escaped character is written as `\\u{e9}`: its number in hexadecimal digits", open - 2, at) }
    at += 1
    return Array(String(Character(found)).utf8)
  }

  private mutating func hole() throws -> RawPart {
    let open = at
    at += 1
    let start = at
    var depth = 0
    var colon: Int?
    while at < end, text[at] != 10 {
      let c = text[at]
      if c == 34 {
        at += 1
        while at < end, text[at] != 34, text[at] != 10 { at += text[at] == 92 ? 2 : 1 }
      } else if c == 40 || c == 91 || c == 123 {
        depth += 1
      } else if c == 125, depth == 0 {
        let format = colon.map { String(decoding: text[($0 + 1)..<at], as: UTF8.self) }
        at += 1
        return .value(Span(start, colon ?? (at - 1)), format: format)
      } else if c == 41 || c == 93 || c == 125 {
        depth -= 1
      } else if c == 58, depth == 0, colon == nil {
        colon = at
      }
      at += 1
    }
    throw error("this brace has no end", open, at)
  }
}
