// The searches by their names in Seep: a new one is a file and a line here.

/// Names and makers of searches with their defaults.
public enum Searches {
  public static let named: [(name: String, make: @Sendable () throws -> any Search)] = [
    ("cma_es", { try CMAES() }),
    ("turbo", { try TuRBO() }),
    ("adam", { try AdamSearch() }),
    ("random_search", { try RandomSearch() }),
  ]
}
