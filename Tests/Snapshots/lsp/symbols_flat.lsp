# The outline for a client that knows no nesting.
-> {"id":0,"method":"initialize","params":{"capabilities":{}}}
<- {"id":0,"result":{"capabilities":{"positionEncoding":"utf-16","textDocumentSync":{"openClose":true,"change":2},"completionProvider":{"triggerCharacters":[".","\"","(",":"],"resolveProvider":false},"hoverProvider":true,"signatureHelpProvider":{"triggerCharacters":["(",","],"retriggerCharacters":[":"]},"definitionProvider":true,"referencesProvider":true,"documentHighlightProvider":true,"renameProvider":true,"documentSymbolProvider":true,"documentFormattingProvider":true,"codeActionProvider":false},"serverInfo":{"name":"seep"}}}
-> {"method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///demo/a.seep","languageId":"seep","version":1,"text":"fn outer(a) {\n  fn inner(d) => d\n  inner(a)\n}\n"}}}
<- {"method":"textDocument/publishDiagnostics","params":{"uri":"file:///demo/a.seep","diagnostics":[]}}
-> {"id":1,"method":"textDocument/documentSymbol","params":{"textDocument":{"uri":"file:///demo/a.seep"}}}
<- {"id":1,"result":[{"name":"outer","kind":12,"location":{"uri":"file:///demo/a.seep","range":{"start":{"line":0,"character":0},"end":{"line":3,"character":1}}}},{"name":"inner","kind":12,"location":{"uri":"file:///demo/a.seep","range":{"start":{"line":1,"character":2},"end":{"line":1,"character":18}}},"containerName":"outer"}]}
