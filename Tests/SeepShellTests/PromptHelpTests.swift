// `??NAME`, and help in lines that fit.
import SeepLanguage
import SeepLibrary
import Testing

@Suite("help at the prompt") struct PromptHelpTests {
  @Test("a function as it stands in its file, with what is said above it") func source() throws {
    let session = Session(library: SeepLibrary.library)
    let text = """
      let a = 1
        ## Twice.
        ## Always.
        fn twice(x) {
          2 * x  # so
        }
      # other
      fn bare(x) => x
      let l = x => x + 1
      """
    _ = try session.evaluate(text, name: "test").get()
    #expect(
      session.lookup("twice")?.declaration == "## Twice.\n  ## Always.\n  fn twice(x) {\n    2 * x  # so\n  }")
    #expect(session.lookup("bare")?.declaration == "fn bare(x) => x")
    #expect(session.lookup("l")?.declaration == "x => x + 1")
    #expect(session.lookup("a")?.declaration == nil)
    #expect(session.lookup("psnr")?.declaration == nil)
  }

  @Test("prose is broken between words, headings and code are not") func wrapping() {
    let heading = "f(a_long_parameter: 1, another: 2)"
    let text = heading + "\n\none two three four five six\n\nExample:\n  f(1, 2, 3, 4, 5, 6, 7, 8, 9)\n"
    let wrapped = Help.wrapped(text, width: 14)
    #expect(
      wrapped == heading + "\n\none two three\nfour five six\n\nExample:\n  f(1, 2, 3, 4, 5, 6, 7, 8, 9)\n")
    #expect(Help.wrapped("h\nunbreakable-word a", width: 5) == "h\nunbreakable-word\na")
    for builtin in SeepLibrary.library.builtins {
      let help = Help.text(builtin)
      let words = Help.wrapped(help, width: 40).split(whereSeparator: \.isWhitespace)
      #expect(words == help.split(whereSeparator: \.isWhitespace))
    }
  }
}
