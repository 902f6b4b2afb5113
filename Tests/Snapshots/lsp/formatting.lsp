# The whole file as one edit of what differs; CR LF stays; nothing for a text with syntax errors.
-> {"id":0,"method":"initialize","params":{"capabilities":{"textDocument":{"hover":{"contentFormat":["markdown","plaintext"]},"completion":{"completionItem":{"documentationFormat":["markdown"]}},"documentSymbol":{"hierarchicalDocumentSymbolSupport":true},"signatureHelp":{"signatureInformation":{"parameterInformation":{"labelOffsetSupport":true}}},"publishDiagnostics":{"relatedInformation":true,"tagSupport":{"valueSet":[1,2]},"versionSupport":true},"codeAction":{"codeActionLiteralSupport":{"codeActionKind":{"valueSet":["quickfix"]}}},"rename":{"prepareSupport":true}}}}}
<- {"id":0,"result":{"capabilities":{"positionEncoding":"utf-16","textDocumentSync":{"openClose":true,"change":2},"completionProvider":{"triggerCharacters":[".","\"","(",":"],"resolveProvider":false},"hoverProvider":true,"signatureHelpProvider":{"triggerCharacters":["(",","],"retriggerCharacters":[":"]},"definitionProvider":true,"referencesProvider":true,"documentHighlightProvider":true,"renameProvider":{"prepareProvider":true},"documentSymbolProvider":true,"documentFormattingProvider":true,"codeActionProvider":{"codeActionKinds":["quickfix"]}},"serverInfo":{"name":"seep"}}}
-> {"method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///demo/a.seep","languageId":"seep","version":1,"text":"# kept\nlet x=1\nprint( x )   # é\n"}}}
<- {"method":"textDocument/publishDiagnostics","params":{"uri":"file:///demo/a.seep","version":1,"diagnostics":[]}}
-> {"id":1,"method":"textDocument/formatting","params":{"textDocument":{"uri":"file:///demo/a.seep"},"options":{"tabSize":4,"insertSpaces":true}}}
<- {"id":1,"result":[{"range":{"start":{"line":1,"character":5},"end":{"line":2,"character":11}},"newText":" = 1\nprint(x)"}]}
-> {"method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///demo/a.seep","languageId":"seep","version":1,"text":"let x = 1\r\nprint( x )\r\n"}}}
<- {"method":"textDocument/publishDiagnostics","params":{"uri":"file:///demo/a.seep","version":1,"diagnostics":[]}}
-> {"id":2,"method":"textDocument/formatting","params":{"textDocument":{"uri":"file:///demo/a.seep"},"options":{}}}
<- {"id":2,"result":[{"range":{"start":{"line":1,"character":6},"end":{"line":1,"character":9}},"newText":"x"}]}
-> {"method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///demo/a.seep","languageId":"seep","version":1,"text":"let x = 1\n"}}}
<- {"method":"textDocument/publishDiagnostics","params":{"uri":"file:///demo/a.seep","version":1,"diagnostics":[]}}
-> {"id":3,"method":"textDocument/formatting","params":{"textDocument":{"uri":"file:///demo/a.seep"},"options":{}}}
<- {"id":3,"result":[]}
-> {"method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///demo/a.seep","languageId":"seep","version":1,"text":"let x=(1\n"}}}
<- {"method":"textDocument/publishDiagnostics","params":{"uri":"file:///demo/a.seep","version":1,"diagnostics":[{"range":{"start":{"line":0,"character":6},"end":{"line":0,"character":7}},"severity":1,"code":"syntax","source":"seep","message":"this `(` has no `)`"}]}}
-> {"id":4,"method":"textDocument/formatting","params":{"textDocument":{"uri":"file:///demo/a.seep"},"options":{}}}
<- {"id":4,"result":[]}
