// A lesson as a Jupyter notebook: the same words, the same blocks, for the kernel of Seep.
import Ground
import SeepLanguage
import SeepLibrary

public enum Notebook {
  /// Prints the page at `path` as a notebook. Exit status.
  public static func print(_ path: String) -> Int32 {
    do {
      Swift.print(text(of: Page(try TextFile.read(path)), pictures: "../lessons/"), terminator: "")
      return 0
    } catch {
      Console.writeError("seep: \((error as? Fault)?.message ?? "\(error)")\n")
      return 1
    }
  }

  /// A notebook of format 4.5 without outputs. Words between two blocks are one cell; `pictures` stands before the paths of pictures.
  static func text(of page: Page, pictures: String = "") -> String {
    var cells: [String] = []
    var words: [String] = []
    func endWords() {
      if !words.isEmpty { cells.append(cell("markdown", words.joined(separator: "\n\n"), number: cells.count)) }
      words = []
    }
    for piece in page.pieces {
      switch piece {
      case .heading(let level, let text):
        if level <= 2 { endWords() }
        words.append(String(repeating: "#", count: level) + " " + text)
      case .text(let text): words.append(text)
      case .picture(let title, let path): words.append("![\(title)](\(pictures)\(path))")
      case .code("seep", let code, _):
        endWords()
        cells.append(
          cell("code", Page.withoutMarks(code), number: cells.count, fails: code.contains("# expect error")))
      case .code(let language, let code, _): words.append("```\(language)\n\(code)```")
      }
    }
    endWords()
    return """
      {
       "cells": [
      \(cells.joined(separator: ",\n"))
       ],
       "metadata": {
        "kernelspec": {"display_name": "Seep", "language": "seep", "name": "seep"},
        "language_info": {"file_extension": ".seep", "mimetype": "text/x-seep", "name": "seep"}
       },
       "nbformat": 4,
       "nbformat_minor": 5
      }

      """
  }

  /// A cell that is meant to fail says so, or a run of the whole notebook would end there.
  private static func cell(_ type: String, _ source: String, number: Int, fails: Bool = false) -> String {
    var lines = source.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    while lines.last?.isEmpty == true { lines.removeLast() }
    let quoted = lines.enumerated().map { index, line in
      "    " + (index + 1 < lines.count ? line + "\n" : line).jsonLiteral
    }
    let metadata = fails ? "{\"tags\": [\"raises-exception\"]}" : "{}"
    let run = type == "code" ? "\"execution_count\": null, \"outputs\": [], " : ""
    return """
        {
         "cell_type": "\(type)", "id": "cell-\(number)", "metadata": \(metadata), \(run)
         "source": [
      \(quoted.joined(separator: ",\n"))
         ]
        }
      """
  }
}

extension Page {
  /// Marks are for the tests; the reader sees what is printed.
  static func withoutMarks(_ code: String) -> String {
    var kept: [String] = []
    for line in code.split(separator: "\n", omittingEmptySubsequences: false) {
      guard let mark = line.lastRange(of: "# expect") else {
        kept.append(String(line))
        continue
      }
      let rest = line[..<mark].reversed().drop { $0 == " " }.reversed()
      if !rest.isEmpty { kept.append(String(rest)) }
    }
    return kept.joined(separator: "\n")
  }
}

extension StringProtocol {
  /// Where `word` begins for the last time.
  fileprivate func lastRange(of word: String) -> Index? {
    var at = endIndex
    while at > startIndex {
      at = index(before: at)
      if self[at...].hasPrefix(word) { return at }
    }
    return nil
  }
}
