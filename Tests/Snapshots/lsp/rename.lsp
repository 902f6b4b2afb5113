# Renaming: every place of the name and no other; refused where it is not certain that the program stays the same.
-> {"id":0,"method":"initialize","params":{"capabilities":{"textDocument":{"hover":{"contentFormat":["markdown","plaintext"]},"completion":{"completionItem":{"documentationFormat":["markdown"]}},"documentSymbol":{"hierarchicalDocumentSymbolSupport":true},"signatureHelp":{"signatureInformation":{"parameterInformation":{"labelOffsetSupport":true}}},"publishDiagnostics":{"relatedInformation":true,"tagSupport":{"valueSet":[1,2]},"versionSupport":true},"codeAction":{"codeActionLiteralSupport":{"codeActionKind":{"valueSet":["quickfix"]}}},"rename":{"prepareSupport":true}}}}}
<- {"id":0,"result":{"capabilities":{"positionEncoding":"utf-16","textDocumentSync":{"openClose":true,"change":2},"completionProvider":{"triggerCharacters":[".","\"","(",":"],"resolveProvider":false},"hoverProvider":true,"signatureHelpProvider":{"triggerCharacters":["(",","],"retriggerCharacters":[":"]},"definitionProvider":true,"referencesProvider":true,"documentHighlightProvider":true,"renameProvider":{"prepareProvider":true},"documentSymbolProvider":true,"documentFormattingProvider":true,"codeActionProvider":{"codeActionKinds":["quickfix"]}},"serverInfo":{"name":"seep"}}}
-> {"method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///demo/a.seep","languageId":"seep","version":1,"text":"let rate = 0.1\nfn step(x, by = 1) => x - rate * by\nprint(step(rate, by: 2), \"{rate}\")\nlet {code, at: place} = {code: 1, at: 2}\nprint(code, place, [1].step())\n"}}}
<- {"method":"textDocument/publishDiagnostics","params":{"uri":"file:///demo/a.seep","version":1,"diagnostics":[]}}
-> {"id":1,"method":"textDocument/prepareRename","params":{"textDocument":{"uri":"file:///demo/a.seep"},"position":{"line":0,"character":6}}}
<- {"id":1,"result":{"range":{"start":{"line":0,"character":4},"end":{"line":0,"character":8}},"placeholder":"rate"}}
-> {"id":2,"method":"textDocument/rename","params":{"textDocument":{"uri":"file:///demo/a.seep"},"position":{"line":0,"character":6},"newName":"speed"}}
<- {"id":2,"result":{"changes":{"file:///demo/a.seep":[{"range":{"start":{"line":0,"character":4},"end":{"line":0,"character":8}},"newText":"speed"},{"range":{"start":{"line":1,"character":26},"end":{"line":1,"character":30}},"newText":"speed"},{"range":{"start":{"line":2,"character":11},"end":{"line":2,"character":15}},"newText":"speed"},{"range":{"start":{"line":2,"character":27},"end":{"line":2,"character":31}},"newText":"speed"}]}}}
-> {"id":3,"method":"textDocument/rename","params":{"textDocument":{"uri":"file:///demo/a.seep"},"position":{"line":1,"character":12},"newName":"factor"}}
<- {"id":3,"result":{"changes":{"file:///demo/a.seep":[{"range":{"start":{"line":1,"character":11},"end":{"line":1,"character":13}},"newText":"factor"},{"range":{"start":{"line":1,"character":33},"end":{"line":1,"character":35}},"newText":"factor"},{"range":{"start":{"line":2,"character":17},"end":{"line":2,"character":19}},"newText":"factor"}]}}}
-> {"id":4,"method":"textDocument/rename","params":{"textDocument":{"uri":"file:///demo/a.seep"},"position":{"line":3,"character":7},"newName":"number"}}
<- {"id":4,"result":{"changes":{"file:///demo/a.seep":[{"range":{"start":{"line":3,"character":5},"end":{"line":3,"character":9}},"newText":"code: number"},{"range":{"start":{"line":4,"character":6},"end":{"line":4,"character":10}},"newText":"number"}]}}}

# Refused: another meaning, no name, a method that may be a field, nothing there.
-> {"id":5,"method":"textDocument/rename","params":{"textDocument":{"uri":"file:///demo/a.seep"},"position":{"line":0,"character":6},"newName":"x"}}
<- {"id":5,"error":{"code":-32803,"message":"`x` means something else where `rate` is used"}}
-> {"id":6,"method":"textDocument/rename","params":{"textDocument":{"uri":"file:///demo/a.seep"},"position":{"line":0,"character":6},"newName":"print"}}
<- {"id":6,"error":{"code":-32803,"message":"`print` means something else where `rate` is used"}}
-> {"id":7,"method":"textDocument/rename","params":{"textDocument":{"uri":"file:///demo/a.seep"},"position":{"line":0,"character":6},"newName":"1a"}}
<- {"id":7,"error":{"code":-32803,"message":"`1a` is not a name"}}
-> {"id":8,"method":"textDocument/rename","params":{"textDocument":{"uri":"file:///demo/a.seep"},"position":{"line":0,"character":6},"newName":"let"}}
<- {"id":8,"error":{"code":-32803,"message":"`let` is not a name"}}
-> {"id":9,"method":"textDocument/rename","params":{"textDocument":{"uri":"file:///demo/a.seep"},"position":{"line":1,"character":5},"newName":"walk"}}
<- {"id":9,"error":{"code":-32803,"message":"`step` is not renamed: `.step(…)` in line 5 may be a field of its subject"}}
-> {"id":10,"method":"textDocument/rename","params":{"textDocument":{"uri":"file:///demo/a.seep"},"position":{"line":2,"character":3},"newName":"show"}}
<- {"id":10,"error":{"code":-32803,"message":"there is no name of this file here"}}
-> {"id":11,"method":"textDocument/prepareRename","params":{"textDocument":{"uri":"file:///demo/a.seep"},"position":{"line":2,"character":3}}}
<- {"id":11,"result":null}

# Refused: what another file may use.
-> {"method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///demo/m.seep","languageId":"seep","version":1,"text":"fn given(x) => x\nfn _own(y) => y\n"}}}
<- {"method":"textDocument/publishDiagnostics","params":{"uri":"file:///demo/m.seep","version":1,"diagnostics":[]}}
-> {"id":12,"method":"textDocument/rename","params":{"textDocument":{"uri":"file:///demo/m.seep"},"position":{"line":0,"character":5},"newName":"other"}}
<- {"id":12,"error":{"code":-32803,"message":"`given` is not renamed: this file is a module, and others may use it"}}
-> {"id":13,"method":"textDocument/rename","params":{"textDocument":{"uri":"file:///demo/m.seep"},"position":{"line":1,"character":6},"newName":"_mine"}}
<- {"id":13,"result":{"changes":{"file:///demo/m.seep":[{"range":{"start":{"line":1,"character":3},"end":{"line":1,"character":7}},"newText":"_mine"}]}}}

# Refused: a text that cannot be read whole.
-> {"method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///demo/s.seep","languageId":"seep","version":1,"text":"let a = 1\nlet = \nprint(a)\n"}}}
<- {"method":"textDocument/publishDiagnostics","params":{"uri":"file:///demo/s.seep","version":1,"diagnostics":[{"range":{"start":{"line":1,"character":4},"end":{"line":1,"character":5}},"severity":1,"code":"syntax","source":"seep","message":"an expression is expected"}]}}
-> {"id":14,"method":"textDocument/rename","params":{"textDocument":{"uri":"file:///demo/s.seep"},"position":{"line":0,"character":5},"newName":"b"}}
<- {"id":14,"error":{"code":-32803,"message":"`a` is not renamed: the file has syntax errors"}}
