// `seep lsp`: the Language Server Protocol 3.17. A server is a function from messages to messages; `Commands+LanguageServer.swift`
// connects it to standard input and output. It reads texts and never runs them.
import Ground
import SeepLanguage
import Networks
import SeepLibrary

package final class LanguageServer {
  let session: Session
  var client = ClientAbilities()
  private var documents: [String: OpenDocument] = [:]
  /// Open files whose findings are to be sent, in the order of their changes.
  private var changed: [String] = []
  private var state = State.new
  /// What the process ends with; nil while the server runs.
  package private(set) var exitStatus: Int32?

  private enum State { case new, running, shutDown }

  /// An answer that says why there is none.
  struct Refusal: Error {
    var code: Int
    var message: String

    static func parameters(_ message: String) -> Refusal { Refusal(code: -32602, message: message) }
    /// The request is understood, but cannot be done; editors show the sentence.
    static func failed(_ message: String) -> Refusal { Refusal(code: -32803, message: message) }
  }

  package init(session: Session) {
    self.session = session
  }

  /// Answers messages that arrived together. Of a file that several of them change only the last text is checked.
  package func receive(_ frames: [FrameReader.Frame]) -> [JSON] {
    var replies: [JSON] = []
    for frame in frames where exitStatus == nil {
      switch frame {
      case .garbage:
        replies.append(LanguageServer.error(.null, -32700, "these bytes are no message: no Content-Length"))
      case .body(let bytes):
        do {
          replies += answer(try JSON(bytes, maximumDepth: 128))
        } catch {
          let problem = (error as? StrictJSON.Problem).map { "\($0.reason), at byte \($0.position)" } ?? "\(error)"
          replies.append(LanguageServer.error(.null, -32700, "this is not JSON: \(problem)"))
        }
      }
    }
    return replies + publications()
  }

  /// The findings of what was changed.
  private func publications() -> [JSON] {
    defer { changed = [] }
    return changed.map { uri in
      // Of a file that was closed everything goes.
      documents[uri].map(published) ?? LanguageServer.publication(["uri": .string(uri), "diagnostics": []])
    }
  }

  private static func error(_ id: JSON, _ code: Int, _ message: String) -> JSON {
    ["jsonrpc": "2.0", "id": id, "error": ["code": .integer(code), "message": .string(message)]]
  }

  // MARK: Life

  private func answer(_ message: JSON) -> [JSON] {
    guard case .object = message else {
      return [LanguageServer.error(.null, -32600, "a message is one JSON object")]
    }
    let id = message["id"]
    guard let method = message["method"].text else {
      // Answers to the server's own requests: it makes none.
      let isAnswer =
        !message["result"].isNull || !message["error"].isNull || message.fields.contains { $0.name == "result" }
      return isAnswer ? [] : [LanguageServer.error(id, -32600, "a message has a `method`")]
    }
    guard message.fields.contains(where: { $0.name == "id" }) else {
      notify(method, message["params"])
      return []
    }
    do {
      let before = method == "shutdown" ? publications() : []
      return before + [["jsonrpc": "2.0", "id": id, "result": try result(method, message["params"])]]
    } catch let refusal as Refusal {
      return [LanguageServer.error(id, refusal.code, refusal.message)]
    } catch {
      return [LanguageServer.error(id, -32603, "\(error)")]
    }
  }

  private func result(_ method: String, _ parameters: JSON) throws -> JSON {
    if method == "initialize" {
      guard state == .new else { throw Refusal(code: -32600, message: "the server is initialized already") }
      state = .running
      client = ClientAbilities(parameters["capabilities"])
      return ["capabilities": capabilities, "serverInfo": ["name": "seep"]]
    }
    guard state != .new else { throw Refusal(code: -32002, message: "the first request is `initialize`") }
    guard state == .running else { throw Refusal(code: -32600, message: "the server was shut down") }
    if method == "shutdown" {
      state = .shutDown
      return .null
    }
    guard let ability = ability(method) else {
      throw Refusal(code: -32601, message: "there is no method `\(method)`")
    }
    let uri = parameters["textDocument"]["uri"].text ?? ""
    guard let document = documents[uri] else { throw Refusal.parameters("this file is not open: \(uri)") }
    return try ability(Request(document: document, parameters: parameters, server: self))
  }

  private func notify(_ method: String, _ parameters: JSON) {
    if method == "exit" { exitStatus = state == .shutDown ? 0 : 1 }
    guard state == .running, let uri = parameters["textDocument"]["uri"].text else { return }
    let version = parameters["textDocument"]["version"].int
    switch method {
    case "textDocument/didOpen":
      let text = parameters["textDocument"]["text"].text ?? ""
      documents[uri] = OpenDocument(uri: uri, version: version, text: text, encoding: client.encoding)
      note(uri)
    case "textDocument/didChange":
      guard let document = documents[uri] else { return }
      document.change(parameters["contentChanges"].items, version: version)
      note(uri)
    case "textDocument/didClose":
      if documents.removeValue(forKey: uri) != nil { note(uri) }
    default: break
    }
  }

  private func note(_ uri: String) {
    changed.removeAll { $0 == uri }
    changed.append(uri)
  }

  // MARK: Abilities

  /// The request of this name about an open file.
  private func ability(_ method: String) -> ((Request) throws -> JSON)? {
    switch method {
    case "textDocument/completion": completion
    case "textDocument/hover": hover
    case "textDocument/signatureHelp": signatureHelp
    case "textDocument/definition": definition
    case "textDocument/references": references
    case "textDocument/documentHighlight": highlights
    case "textDocument/prepareRename": prepareRename
    case "textDocument/rename": rename
    case "textDocument/documentSymbol": symbols
    case "textDocument/formatting": formatting
    case "textDocument/codeAction": codeActions
    default: nil
    }
  }

  private var capabilities: JSON {
    [
      "positionEncoding": .string(client.encoding.rawValue),
      "textDocumentSync": ["openClose": true, "change": 2],
      "completionProvider": ["triggerCharacters": [".", "\"", "(", ":"], "resolveProvider": false],
      "hoverProvider": true,
      "signatureHelpProvider": ["triggerCharacters": ["(", ","], "retriggerCharacters": [":"]],
      "definitionProvider": true,
      "referencesProvider": true,
      "documentHighlightProvider": true,
      "renameProvider": client.preparesRename ? ["prepareProvider": true] : true,
      "documentSymbolProvider": true,
      "documentFormattingProvider": true,
      "codeActionProvider": client.knowsCodeActions ? ["codeActionKinds": ["quickfix"]] : false,
    ]
  }
}

/// What a client says that it understands.
struct ClientAbilities {
  var encoding = PositionEncoding.utf16
  var showsMarkdown = false
  var completesMarkdown = false
  var nestsSymbols = false
  var takesLabelOffsets = false
  var takesLinks = false
  var takesRelated = false
  var takesTags = false
  var takesVersion = false
  var takesCodeDescription = false
  var knowsCodeActions = false
  var preparesRename = false

  init() {}

  init(_ capabilities: JSON) {
    let text = capabilities["textDocument"]
    let encodings = capabilities["general"]["positionEncodings"].items.compactMap(\.text)
    encoding = encodings.contains("utf-8") ? .utf8 : .utf16
    showsMarkdown = text["hover"]["contentFormat"].items.contains { $0.text == "markdown" }
    completesMarkdown =
      text["completion"]["completionItem"]["documentationFormat"].items.contains { $0.text == "markdown" }
    nestsSymbols = text["documentSymbol"]["hierarchicalDocumentSymbolSupport"].bool ?? false
    takesLabelOffsets =
      text["signatureHelp"]["signatureInformation"]["parameterInformation"]["labelOffsetSupport"].bool ?? false
    takesLinks = text["definition"]["linkSupport"].bool ?? false
    let findings = text["publishDiagnostics"]
    takesRelated = findings["relatedInformation"].bool ?? false
    takesTags = findings["tagSupport"]["valueSet"].items.contains { $0.int == 1 }
    takesVersion = findings["versionSupport"].bool ?? false
    takesCodeDescription = findings["codeDescriptionSupport"].bool ?? false
    knowsCodeActions = !text["codeAction"]["codeActionLiteralSupport"].isNull
    preparesRename = text["rename"]["prepareSupport"].bool ?? false
  }
}
