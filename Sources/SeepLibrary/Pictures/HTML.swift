// Values as small pieces of HTML: tables of records, tensors, figures.
import Networks
import SeepLanguage
import Tensors

public enum HTML {
  public static func escaped(_ text: some StringProtocol) -> String {
    var out = ""
    for character in text {
      switch character {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      default: out.append(character)
      }
    }
    return out
  }

  static let rowLimit = 100

  /// Rows under their names (see `TableRows`), a record as names and values; nil for anything else.
  static func table(_ value: Value, in session: Session) -> String? {
    if let record = value.asRecord {
      guard record.count > 0 else { return nil }
      let rows = record.fields.prefix(rowLimit).map {
        "<tr><th style=\"text-align:left\">\(escaped($0.name))</th>\(cell($0.value, session))</tr>"
      }
      return "<table>\(rows.joined())</table>" + more(record.count)
    }
    guard let table = TableRows(value, in: session), !table.names.isEmpty else { return nil }
    let head = table.names.map { "<th>\(escaped($0))</th>" }.joined()
    let rows = table.rows.prefix(rowLimit).map { row in
      "<tr>" + row.map { $0.map { cell($0, session) } ?? "<td></td>" }.joined() + "</tr>"
    }
    return "<table><thead><tr>\(head)</tr></thead><tbody>\(rows.joined())</tbody></table>" + more(table.rows.count)
  }

  private static func more(_ count: Int) -> String {
    count > rowLimit ? "<div>… \(count - rowLimit) more</div>" : ""
  }

  private static func cell(_ value: Value, _ session: Session) -> String {
    if value.isNone { return "<td></td>" }
    if let tensor = value.foreign(as: TensorValue.self)?.tensor, let pictures = RichDisplay.pictures(of: tensor),
      let only = pictures.first, pictures.count == 1, let figure = figure(only, scale: max(1, 64 / only.width))
    {
      return "<td>\(figure)</td>"
    }
    let align = value.asDouble == nil ? "left" : "right"
    let text = value.asString ?? session.display(value, .short)
    return "<td style=\"text-align:\(align)\">\(escaped(text.prefix(300)))</td>"
  }

  /// A picture with its title below.
  static func figure(_ picture: Picture, scale: Int) -> String? {
    guard let png = RichDisplay.png(picture) else { return nil }
    let caption =
      picture.title.isEmpty ? "" : "<figcaption style=\"text-align:center\">\(escaped(picture.title))</figcaption>"
    return
      "<figure style=\"margin:0\"><img style=\"image-rendering:pixelated\" width=\"\(picture.width * scale)\" height=\"\(picture.height * scale)\" alt=\"\(escaped(picture.title))\" src=\"data:image/png;base64,\(Base64.text(png))\">\(caption)</figure>"
  }

  /// The summary line and, of a vector or matrix, the corners.
  static func tensor(_ tensor: Tensor) -> String {
    let head = "<div>\(escaped(TensorDisplay.summary(tensor)))</div>"
    guard tensor.rank == 1 || tensor.rank == 2, tensor.size > 0 else {
      return head + "<pre>\(escaped(TensorDisplay.body(tensor)))</pre>"
    }
    let rows = tensor.rank == 1 ? 1 : tensor.shape[0]
    let columns = tensor.shape[tensor.rank - 1]
    func shown(_ count: Int) -> [Int?] {
      count <= 10 ? Array(0..<count) : Array(0..<5) + [nil] + Array(count - 4..<count)
    }
    let body = shown(rows).map { row -> String in
      let cells = shown(columns).map { column -> String in
        guard let row, let column else { return "<td>…</td>" }
        let line = tensor.rank == 1 ? tensor : try? tensor.select(axis: 0, index: row)
        let value = try? line?.select(axis: 0, index: column).item()
        return "<td style=\"text-align:right\">\(value.map { TensorDisplay.brief($0, tensor.dtype) } ?? "?")</td>"
      }
      return "<tr>\(cells.joined())</tr>"
    }
    return head + "<table>\(body.joined())</table>"
  }
}

/// Bytes as letters, for pictures inside text.
public enum Base64 {
  public static func text(_ bytes: [UInt8]) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count + 2) / 3 * 4)
    var at = 0
    while at < bytes.count {
      let rest = bytes.count - at
      let word =
        UInt32(bytes[at]) << 16 | (rest > 1 ? UInt32(bytes[at + 1]) << 8 : 0) | (rest > 2 ? UInt32(bytes[at + 2]) : 0)
      out.append(letters[Int(word >> 18)])
      out.append(letters[Int(word >> 12 & 63)])
      out.append(rest > 1 ? letters[Int(word >> 6 & 63)] : 61)
      out.append(rest > 2 ? letters[Int(word & 63)] : 61)
      at += 3
    }
    return String(decoding: out, as: UTF8.self)
  }
}
