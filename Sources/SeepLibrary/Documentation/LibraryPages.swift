// The library reference as pages of Markdown: one for each group of names, made from the help texts.
import SeepLanguage

public enum LibraryPages {
  /// A group of names: its title, and what it is for in a sentence.
  struct Chapter {
    let group: String
    let title: String
    let about: String
  }

  /// In the order of the map page.
  static let chapters: [Chapter] = [
    Chapter(
      group: "attacks", title: "Attacks", about: "What turns a received update into an image, and what it needs."),
    Chapter(group: "defenses", title: "Defenses", about: "What a client does to its update before it is sent."),
    Chapter(group: "searches", title: "Searches", about: "How an attack walks through latent vectors or pixels."),
    Chapter(group: "priors", title: "Priors", about: "Generators trained on public images."),
    Chapter(group: "metrics", title: "Metrics", about: "How near a recovered image is to the private one."),
    Chapter(group: "controls", title: "Controls", about: "What anyone could have drawn without the update."),
    Chapter(group: "audit", title: "Audits", about: "Defenses, attacks, images and seeds in one journaled table."),
    Chapter(
      group: "federated", title: "Federated learning",
      about: "Clients, rounds, updates, and what the server does with them."),
    Chapter(group: "data", title: "Data sets", about: "Images with labels, bundled and your own."),
    Chapter(group: "models", title: "Models", about: "Ready-made networks, training and accuracy."),
    Chapter(group: "layers", title: "Layers", about: "What networks are composed of, with `>>`."),
    Chapter(group: "training", title: "Optimisers", about: "Steps that change a network's parameters."),
    Chapter(group: "tensors", title: "Tensors", about: "Making tensors, and the operations under the layers."),
    Chapter(group: "shapes", title: "Shapes", about: "Reshaping, joining, sorting and choosing parts of tensors."),
    Chapter(
      group: "math", title: "Elementwise functions",
      about: "Functions of every element of a tensor, all differentiable to any order."),
    Chapter(group: "reductions", title: "Reductions", about: "Sums, means, norms and extremes along axes."),
    Chapter(group: "derivatives", title: "Derivatives", about: "Gradients, products with Jacobians and Hessians."),
    Chapter(
      group: "random", title: "Random numbers",
      about: "Counter-based: the same for the same seed on every machine and any number of threads."),
    Chapter(group: "pictures", title: "Pictures", about: "Images in the terminal and in files."),
    Chapter(group: "plots", title: "Plots", about: "Curves, points, bars and maps, in the terminal and in files."),
    Chapter(group: "files", title: "Files", about: "Weights, updates, tables and folders."),
    Chapter(group: "numbers", title: "Numbers", about: "Arithmetic on single numbers."),
    Chapter(group: "strings", title: "Text", about: "Characters, words, parts of text."),
    Chapter(group: "lists", title: "Lists", about: "Making, choosing, ordering and folding lists."),
    Chapter(group: "records", title: "Records", about: "Fields by name."),
    Chapter(group: "functions", title: "Functions", about: "Functions as values, and errors as values."),
    Chapter(group: "output", title: "Output and conversion", about: "Printing, formatting, and values of other kinds."),
    Chapter(group: "system", title: "Time and system", about: "Clocks, standard input, environment, exit."),
  ]

  /// File names in the folder of the reference with their text, the map first. Groups without a chapter are listed last, under their own name.
  public static func all(_ builtins: [Builtin] = SeepLibrary.library.builtins) -> [(name: String, text: String)] {
    // The last of a name is the one that a program sees.
    var latest: [String: Builtin] = [:]
    for builtin in builtins { latest[builtin.name] = builtin }
    let groups = Dictionary(grouping: latest.values, by: \.group)
    let known = Set(chapters.map(\.group))
    let rest = groups.keys.filter { !known.contains($0) }.sorted().map { Chapter(group: $0, title: $0, about: "") }
    let present = (chapters + rest).filter { groups[$0.group] != nil }
    func names(_ chapter: Chapter) -> [Builtin] { groups[chapter.group, default: []].sorted { $0.name < $1.name } }

    var map = """
      # Library reference

      Every name that a program finds without `use`, by meaning. The same text is printed by `help(name)`, `?name` at the prompt and `seep doc NAME`;
      these pages are made from it by `seep doc --pages docs/library`. Every example is run by the tests.

      | | |
      | --- | --- |

      """
    for chapter in present {
      let list = names(chapter).map { "[`\($0.name)`](\(chapter.group).md#\(anchor($0.name)))" }
      map += "| [\(chapter.title)](\(chapter.group).md) | \(list.joined(separator: " ")) |\n"
    }
    return [("README.md", map)] + present.map { ($0.group + ".md", page($0, names($0))) }
  }

  private static func page(_ chapter: Chapter, _ builtins: [Builtin]) -> String {
    var text = "# \(chapter.title)\n\n"
    if !chapter.about.isEmpty { text += chapter.about + " " }
    text += "[All names](README.md)\n"
    for builtin in builtins {
      text += "\n## \(builtin.name)\n\n```text\n\(builtin.signature.text)\n```\n\n\(builtin.documentation)\n"
      if !builtin.example.isEmpty { text += "\n```seep\n\(builtin.example)\n```\n" }
    }
    return text
  }

  /// The end of the address of a heading, as Markdown hosts make it.
  static func anchor(_ name: String) -> String { name.lowercased() }
}
