// Functions on functions, and errors as values.
import Ground

enum CoreFunctions {
  static var builtins: [Builtin] {
    [
      Builtin(
        "identity(x)", group: "functions", "Its argument.", example: "print(identity(3))  # expect: 3"
      ) { call in call.value("x") },
      Builtin(
        "callable(x)", group: "functions", "Whether a value can be called.",
        example: "print(callable(print))  # expect: true"
      ) { call in Value(call.value("x").isCallable) },
      Builtin(
        "error(message, code: \"raised\", help?)", group: "functions",
        "An error to `raise`: a record of its code and its message.",
        example: "try { raise error(\"no\", code: \"mine\") } catch e { print(e.code) }  # expect: mine"
      ) { call in
        var record = Record([("code", Value(try call.string("code"))), ("message", Value(try call.string("message")))])
        if let help = try call.optionalString("help") { record["help"] = Value(help) }
        return Value(record)
      },
      Builtin(
        "try_call(f)", group: "functions", "`(true, result)` of `f()`, or `(false, error)`.",
        example: "print(try_call(() => 1 + 1))  # expect: (true, 2)"
      ) { call in
        do {
          return Value(tuple: [Value(true), try call.invoke(call.function("f"))])
        } catch let fault as Fault where fault.code != "interrupted" && fault.code != ExitRequest.code {
          call.session.machine.noteCaught(fault)
          let record = Record([("code", Value(fault.code)), ("message", Value(fault.message))])
          return Value(tuple: [Value(false), Value(record)])
        }
      },
    ]
  }
}
