# What the server says of itself, and the order of a session.

# Before `initialize` only an error.
-> {"id":1,"method":"textDocument/hover","params":{}}
<- {"id":1,"error":{"code":-32002,"message":"the first request is `initialize`"}}
-> {"method":"textDocument/didOpen","params":{}}
-> {"id":2,"method":"initialize","params":{"processId":null,"rootUri":null,"capabilities":{}}}
<- {"id":2,"result":{"capabilities":{"positionEncoding":"utf-16","textDocumentSync":{"openClose":true,"change":2},"completionProvider":{"triggerCharacters":[".","\"","(",":"],"resolveProvider":false},"hoverProvider":true,"signatureHelpProvider":{"triggerCharacters":["(",","],"retriggerCharacters":[":"]},"definitionProvider":true,"referencesProvider":true,"documentHighlightProvider":true,"renameProvider":true,"documentSymbolProvider":true,"documentFormattingProvider":true,"codeActionProvider":false},"serverInfo":{"name":"seep"}}}
-> {"method":"initialized","params":{}}

# Unknown requests are errors; unknown notifications and `$/…` are not answered.
-> {"id":"three","method":"seep/none"}
<- {"id":"three","error":{"code":-32601,"message":"there is no method `seep/none`"}}
-> {"id":4,"method":"$/none"}
<- {"id":4,"error":{"code":-32601,"message":"there is no method `$/none`"}}
-> {"method":"$/cancelRequest","params":{"id":4}}
-> {"method":"workspace/didChangeConfiguration","params":{"settings":{}}}

# What is no message.
-> {"id":5,
<- {"id":null,"error":{"code":-32700,"message":"this is not JSON: a name was expected, at byte 8"}}
-> [1,2]
<- {"id":null,"error":{"code":-32600,"message":"a message is one JSON object"}}
-> {"id":6}
<- {"id":6,"error":{"code":-32600,"message":"a message has a `method`"}}
-> {"id":7,"method":"textDocument/hover","params":{"textDocument":{"uri":"file:///none.seep"},"position":{"line":0,"character":0}}}
<- {"id":7,"error":{"code":-32602,"message":"this file is not open: file:///none.seep"}}
-> {"id":8,"method":"initialize","params":{"capabilities":{}}}
<- {"id":8,"error":{"code":-32600,"message":"the server is initialized already"}}

# The end.
-> {"id":9,"method":"shutdown"}
<- {"id":9,"result":null}
-> {"id":10,"method":"textDocument/hover","params":{}}
<- {"id":10,"error":{"code":-32600,"message":"the server was shut down"}}
-> {"method":"exit"}
<- exit status 0
