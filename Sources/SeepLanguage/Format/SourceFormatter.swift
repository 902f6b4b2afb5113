// `seep fmt`: blanks, indents and empty lines by rule, line breaks as their author made them, every comment kept.
import Ground

struct SourceFormatter {
  private struct Line {
    var code = ""
    var comment: String?
    var column = 0
    var isAfterBlank = false
    var indent = 0
  }

  /// The formatted text of what was parsed without errors.
  static func format(_ text: [UInt8], _ parsed: ParsedText) -> String {
    let spacing = Spacing(parsed)
    var indentation = Indentation(spacing)
    let written = WrittenLine.all(text, parsed.tokens)
    // The next line that has tokens, for each line.
    var following = [Int?](repeating: nil, count: written.count + 1)
    for i in written.indices.reversed() { following[i] = written[i].tokens?.lowerBound ?? following[i + 1] }
    var lines: [Line] = []
    for (i, source) in written.enumerated() {
      var line = Line(comment: source.comment, column: source.column, isAfterBlank: source.isAfterBlank)
      if let range = source.tokens {
        line.indent = indentation.indent(range.lowerBound)
        line.code = String(repeating: " ", count: line.indent)
        for index in range {
          if index > range.lowerBound, spacing.isSpace(index - 1, index) { line.code += " " }
          let span = parsed.tokens[index].span
          line.code += String(decoding: text[span.start..<span.end], as: UTF8.self)
        }
        indentation.pass(range, indent: line.indent)
      } else {
        line.indent = indentation.indentOfComment(before: following[i])
      }
      lines.append(line)
    }
    return joined(lines)
  }

  /// Comments behind code stand two blanks behind it; where lines that follow each other had theirs in one column, they
  /// keep one column.
  private static func joined(_ lines: [Line]) -> String {
    var text = ""
    var at = 0
    while at < lines.count {
      var end = at + 1
      var width = 0
      if !lines[at].code.isEmpty, lines[at].comment != nil {
        while end < lines.count, !lines[end].isAfterBlank, lines[end].comment != nil,
          lines[end].column == lines[at].column, lines[end].comment?.hasPrefix("##") != true
        { end += 1 }
        width = (lines[at..<end].map(\.code.count).max() ?? 0) + 2
      }
      for line in lines[at..<end] {
        if line.isAfterBlank { text += "\n" }
        text += line.code
        if let comment = line.comment {
          text += String(repeating: " ", count: width > 0 ? width - line.code.count : line.indent) + comment
        }
        text += "\n"
      }
      at = end
    }
    return text
  }

  /// Whether two texts are the same tokens with the same line breaks: then they are the same program.
  static func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    func tokens(_ text: [UInt8]) -> [Token] {
      var tokenizer = Tokenizer(text)
      return tokenizer.all()
    }
    return tokens(a).elementsEqual(tokens(b)) { one, other in
      one.newlineBefore == other.newlineBefore
        && WrittenLine.withoutBlanks(a[one.span.start..<one.span.end]).elementsEqual(
          WrittenLine.withoutBlanks(b[other.span.start..<other.span.end]))
    }
  }
}

extension Session {
  /// A text as `seep fmt` writes it: the same program, the same comments, and formatted again the same text. The failure is
  /// its syntax errors.
  public func formatted(_ text: String, name: String) -> Result<String, Failure> {
    let file = SourceHandle(name: name, text: Array(text.utf8))
    let parsed = QuickParser.read(file.text, nativeLimit: machine.stackFloor())
    if var failure = Session.failures(parsed.errors, file).first {
      failure.others = Array(Session.failures(parsed.errors, file).dropFirst())
      return .failure(failure)
    }
    let result = SourceFormatter.format(file.text, parsed)
    guard SourceFormatter.isSame(file.text, Array(result.utf8)) else {
      let fault = Fault("internal-error", "formatting would change this program; it was left as it is")
      return .failure(Failure(fault: fault, file: file, span: Span(0, 0), argumentSpans: [], trace: []))
    }
    return .success(result)
  }

  static func failures(_ errors: [CompileError], _ file: SourceHandle) -> [Failure] {
    errors.map {
      Failure(fault: $0.fault, file: file, span: Span(Int($0.site.from), Int($0.site.to)), argumentSpans: [], trace: [])
    }
  }
}
