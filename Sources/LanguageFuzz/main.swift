// Texts of every kind through lexer, parser, formatter, checker and machine: see docs/fuzzing.md. scripts/bench/fuzz runs it.
import Foundation

setenv("SEEP_MEMORY_LIMIT", "\(256 << 20)", 1)
guard let options = Options(CommandLine.arguments) else {
  FileHandle.standardError.write(Data((Options.usage + "\n").utf8))
  exit(2)
}
do {
  if let path = options.one { exit(try Worker.one(path, limit: options.limit)) }
  if let number = options.worker { exit(try Worker(options: options, number: number).run()) }
  exit(try Campaign(options).run())
} catch {
  FileHandle.standardError.write(Data("language-fuzz: \(error)\n".utf8))
  exit(2)
}
