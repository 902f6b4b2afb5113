// The codes that the language itself raises.

extension Explanation {
  static let language: [Explanation] = [
    Explanation(
      "argument-given-twice",
      "A call gives a parameter twice, by place and by name or twice by name. Drop one of them.",
      example: "fn f(a, b = 1) => a + b\nf(1, a: 2)                        # expect error: argument-given-twice"),
    Explanation(
      "assertion-failed",
      "The expression after `assert` is not true. The diagnostic shows both sides of a comparison, and of `==` the first place where they differ.",
      example: "assert [1, 2] == [1, 3]           # expect error: assertion-failed"),
    Explanation(
      "bad-csv", "A text is not the CSV that was asked for: a quote that never ends, or two columns of one name.",
      example: "parse_csv(\"a,a\\n1,2\")             # expect error: bad-csv"),
    Explanation(
      "bad-format",
      "What stands after the `:` in `\"{x:…}\"` is no format, or does not suit the value. The language reference lists the formats.",
      example: "print(\"{1:.5000}\")                # expect error: bad-format"),
    Explanation(
      "bad-json", "A text is not JSON. The diagnostic says at which line and column reading stopped.",
      example: "parse_json(\"[1,\")                 # expect error: bad-json"),
    Explanation(
      "bad-value",
      "An argument has the right type, but not a value the function can use. Its help says which ones it takes.",
      example: "count(\"abc\", \"\")                  # expect error: bad-value"),
    Explanation(
      "cannot-unpack",
      "A pattern in `let`, `for` or a parameter has another number of names than the value has items. Take the rest with `...rest`.",
      example: "let (a, b) = [1, 2, 3]            # expect error: cannot-unpack"),
    Explanation(
      "division-by-zero",
      "A number was divided by 0 by `/`, `//` or `%`. Tensors give `inf` or `nan` instead, as IEEE 754 says.",
      example: "1 / 0                             # expect error: division-by-zero"),
    Explanation(
      "empty-list",
      "The largest, smallest, first or mean item was asked of a list without items. Test `len(xs) > 0` first.",
      example: "reduce([], (a, b) => a + b)       # expect error: empty-list"),
    Explanation(
      "field-mismatch", "Arithmetic on two records goes field by field and needs the same fields on both sides.",
      example: "{a: 1} + {b: 1}                   # expect error: field-mismatch"),
    Explanation(
      "file-not-found",
      "There is no file or folder at the path. Paths are relative to the folder in which Seep was started.",
      example: "read_text(\"no-such-file.txt\")     # expect error: file-not-found"),
    Explanation(
      "file-unreadable", "The file is there, but cannot be read: its permissions, a folder in its place, or a device.",
      example: "make_folder(\"folder\")\nread_text(\"folder\")               # expect error: file-unreadable"),
    Explanation(
      "file-unwritable", "A file or folder cannot be made or changed there. The diagnostic gives the system's reason.",
      example: "write_text(\"/proc/none\", \"x\")     # expect error: file-unwritable"),
    Explanation(
      "function-too-large",
      "A function, or the top of a script, needs more than 60,000 places for values at once. Put long lists of literals into a file, or split the function."
    ),
    Explanation(
      "hides-builtin",
      "A note of `seep check`: a name of the script is also one of the library, which cannot be called from here on. Harmless where it is meant.",
      checkedExample: "let max = 3                       # seep check: hides-builtin\nprint(max)"),
    Explanation(
      "index-count",
      "A list, string or record takes one index. Lists of lists take one after the other: `x[i][j]`. Tensors take several.",
      example: "[[1, 2], [3, 4]][0, 1]            # expect error: index-count"),
    Explanation(
      "index-out-of-range", "There is no item at this index. The first has index 0, the last -1.",
      example: "[1, 2][2]                         # expect error: index-out-of-range"),
    Explanation(
      "integer-overflow",
      "The result of whole-number arithmetic does not fit into 64 bits. With floats (`2.0 ^ 70`) it does, rounded.",
      example: "2 ^ 63                            # expect error: integer-overflow"),
    Explanation("internal-error", "A mistake in Seep, not in the program. Please report it with the script."),
    Explanation(
      "interrupted",
      "Ctrl-C stopped the evaluation. The session keeps what it had; `defer` blocks ran. The exit status is 130."),
    Explanation(
      "missing-argument", "A parameter without a default was not given.",
      example: "fn f(a, b) => a + b\nf(1)                              # expect error: missing-argument"),
    Explanation(
      "module-cycle", "Two modules `use` each other, directly or through others. Move what both need into a third.",
      example:
        "write_text(\"loop.seep\", \"use \\\"loop.seep\\\" as me\")\nuse \"loop.seep\" as loop          # expect error: module-cycle"
    ),
    Explanation(
      "module-not-found",
      "`use` found no such file in the folder of the script, the library, and the folders of `SEEP_PATH`.",
      example: "use no_such_module                # expect error: module-not-found"),
    Explanation(
      "nested-too-deep",
      "The source is nested beyond what the stack holds: some thousand brackets or operators in each other. Name parts of it with `let`.",
      example:
        "let deep = repeat(\"(\", 100000)     # expect error: nested-too-deep\nwrite_text(\"deep.seep\", deep + repeat(\")\", 100000))\nuse \"deep.seep\" as deep_module"
    ),
    Explanation(
      "no-input",
      "`read_line` was called where nobody can type: in a test, or in a notebook whose front-end takes no input. Give the value by a variable or read a file.",
      example: "read_line(prompt: \"name? \")         # expect error: no-input"),
    Explanation(
      "no-match", "No case of a `match` fits the value. A last case `_ => …` takes everything else.",
      example: "match 3 { 1 => \"one\" }            # expect error: no-match"),
    Explanation(
      "not-a-number",
      "One number is needed, and the value is none: a text that does not read as one, or a tensor of several.",
      example: "int(\"three\")                      # expect error: not-a-number"),
    Explanation(
      "not-assignable",
      "Only a name bound by `var`, or a part of one, can be assigned. `let x` keeps its value, and a name must be bound before.",
      example: "fn f() {\n  let x = 1\n  x = 2                           # expect error: not-assignable\n}"),
    Explanation(
      "not-callable",
      "What stands before the parentheses is no function, model or other thing that can be called. Often an operator was left out: `2(x + 1)`.",
      example: "2(3)                              # expect error: not-callable"),
    Explanation(
      "not-composable", "`>>` composes what can be called: functions, layers, models, defenses.",
      example: "1 >> sqrt                         # expect error: not-composable"),
    Explanation(
      "not-indexable", "The value has no items. A function is called with parentheses: `f(1)`, not `f[1]`.",
      example: "fn f(a) => a\nf[1]                              # expect error: not-indexable"),
    Explanation(
      "not-iterable",
      "`for` and functions on lists go through lists, tuples, ranges, strings, records, tensors and data sets, not this. Numbers need a range: `0..n`.",
      example: "for i in 10 { print(i) }          # expect error: not-iterable"),
    Explanation(
      "other-language",
      "The word is Python's or another language's. The diagnostic says what Seep writes instead; see [Coming from Python](coming-from-python.md).",
      example: "import stats                      # expect error: other-language"),
    Explanation(
      "out-of-memory",
      "The value does not fit into the memory that the machine or its container allows; nothing was allocated. Use smaller batches, float32, or let go of what is no longer needed.",
      example: "zeros(1000000, 1000000)           # expect error: out-of-memory"),
    Explanation(
      "out-of-range", "A number lies outside of what the function takes. The message gives the limits.",
      example: "\"{character(-1)}\"                 # expect error: out-of-range"),
    Explanation(
      "raised", "`raise` with a text or a record without a code. `raise error(message, code: …)` gives it one.",
      example: "raise \"no bread\"                  # expect error: raised"),
    Explanation(
      "recursion-too-deep",
      "More than 20,000 calls are open at once. A function that calls itself needs a case in which it does not; a loop has no such limit.",
      example: "fn f(n) => f(n + 1)               # expect error: recursion-too-deep\nf(0)"),
    Explanation(
      "surplus-argument", "The call gives more arguments than the function has parameters.",
      example: "fn f(a) => a\nf(1, 2)                           # expect error: surplus-argument"),
    Explanation(
      "syntax",
      "The text is no program. The caret stands where reading had to stop, and the message says what was expected; a bracket left open further up is pointed at too.",
      example: "let x = = 3                       # expect error: syntax"),
    Explanation(
      "too-deep",
      "Values nested more than some hundred levels cannot be compared, added or written as JSON item by item.",
      example:
        "var a = 1\nvar b = 1\nfor i in 0..100000 { a = [a]; b = [b] }\n{x: a} + {x: b}                   # expect error: too-deep"
    ),
    Explanation(
      "type-mismatch",
      "An operand or argument has another type than is needed. The diagnostic shows each with its type; `str`, `int`, `float`, `tensor` and `list` convert.",
      example: "\"n = \" + 3                        # expect error: type-mismatch"),
    Explanation(
      "unbound-name", "A name is used before its `let` has run, by a function that was called too early.",
      example: "fn f() => later                   # expect error: unbound-name\nf()\nlet later = 1"),
    Explanation(
      "unknown-argument", "The function has no parameter of this name. The nearest name is suggested.",
      example: "rand(2, sead: 1)                  # expect error: unknown-argument"),
    Explanation(
      "unknown-field", "The record or object has no such field. The diagnostic lists those it has.",
      example: "{lr: 0.1}.rate                    # expect error: unknown-field"),
    Explanation(
      "unknown-name",
      "Nothing of this name is bound here. A name bound in a block is gone after it; the nearest name is suggested.",
      example: "pritn(1)                          # expect error: unknown-name"),
    Explanation(
      "unknown-option", "An argument that takes one of several words got another. The diagnostic lists them.",
      example: "share(lenet(), zeros(1, 28, 28), 3, mode: \"fast\")   # expect error: unknown-option"),
    Explanation(
      "unreachable-case",
      "A warning of `seep check`: a case of `match` for which nothing is left. An earlier case fits everything (`_`, a name), or each of its values stands in earlier cases without a guard. Put the more special case first, or drop it.",
      checkedExample:
        "let x = 3\nprint(match x {\n  n => n\n  0 => 1                          # seep check: unreachable-case\n})"),
    Explanation(
      "unreachable-code",
      "A warning of `seep check`: what follows `return`, `break`, `continue` or `raise` in the same block is never run. Functions are exempt, since they may be called from above.",
      checkedExample:
        "fn f(x) {\n  return x\n  print(x)                        # seep check: unreachable-code\n}\nprint(f(1))"),
    Explanation(
      "unused-name",
      "A warning of `seep check`: nothing uses what is bound here. A name that begins with `_` is meant to be unused.",
      checkedExample: "let total = 1                     # seep check: unused-name\nprint(2)"),
  ]
}
