// All tests of the language run one after another: the interpreter belongs to one thread, and the interrupt flag is one.
import Testing

@Suite("Language", .serialized)
enum LanguageTests {}
