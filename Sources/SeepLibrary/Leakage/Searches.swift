// Searches as values. `adam(…)` is an optimizer as well.
import Ground
import Leakage
import Networks
import SeepLanguage

/// Something an attack can search with.
protocol SearchProvider: Foreign {
  func search() throws -> any Search
}

/// `cma_es(budget: 5000)`.
final class SearchValue: SearchProvider {
  private let made: any Search
  init(_ search: any Search) { made = search }

  func search() throws -> any Search { made }
  var typeName: String { "search" }
  func display(_ style: DisplayStyle) -> String { made.written }
}

/// `adam(lr: 0.1, steps: 500)`.
final class AdamValue: OptimiserValue, SearchProvider {
  private let makeSearch: () throws -> any Search

  init(written: String, optimiser: @escaping () throws -> any Optimiser, search: @escaping () throws -> any Search) {
    makeSearch = search
    super.init(written: written, optimiser)
  }

  func search() throws -> any Search { try makeSearch() }
}

let searchBuiltins: [Builtin] = [
  Builtin(
    "adam(lr: none, steps: 500, starts: 4, schedule: \"ramp\", signed: false, betas: [0.9, 0.999], weight_decay: 0.0)",
    group: "searches",
    """
    Adam. As a search it follows the gradient from `starts` random points at once for `steps` steps with
    `lr` 0.1 and a `schedule`: "ramp" (GGL's for ImageNet), "decay" (Inverting Gradients'), "cosine" or "constant"; `signed`
    takes the sign of the gradient. As an optimizer for `train` and `update`, `lr` is 0.001 unless given.

    Source: Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
    """,
    example: "let (p, s) = adam(lr: 1.0).update(tensor([2]), tensor([1]))\nprint(item(p))  # expect near: 1.0 ± 1e-4"
  ) { call in
    let (rate, decay) = (try call.optionalDouble("lr"), try call.double("weight_decay"))
    let betas = try call.doubles("betas")
    guard betas.count == 2, betas.allSatisfy({ (0.0..<1.0).contains($0) }) else {
      throw call.fault("out-of-range", "`betas` are two numbers from 0 to below 1", argument: "betas")
    }
    let (steps, starts, signed) = (try call.int("steps"), try call.int("starts"), try call.bool("signed"))
    let schedule = try call.choice("schedule", of: RateShape.allCases.map(\.rawValue))
    let search = try AdamSearch(
      lr: rate ?? 0.1, steps: steps, starts: starts, schedule: RateShape(rawValue: schedule) ?? .ramp, signed: signed,
      betas: betas)
    return Value(
      AdamValue(
        written: search.written,
        optimiser: { Adam(rate: rate ?? 0.001, beta1: betas[0], beta2: betas[1], weightDecay: decay) },
        search: { search }))
  },
  Builtin(
    "cma_es(budget: 5000, population: 50, sigma: 1.0, active: true, diagonal: false, restarts: 0)", group: "searches",
    """
    CMA-ES, generational: `population` candidates are one batch. `budget` counts
    evaluations, `sigma` is the first step size; `active` uses the worst candidates too; `diagonal` is the separable variant;
    after a run that has converged come `restarts` more, each with twice the population, while the budget lasts.

    Source: Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv:1604.00772, 2016; Auger, Hansen, "A Restart CMA Evolution Strategy With Increasing Population Size", CEC 2005 (restarts).
    """, example: "print(cma_es(budget: 100))  # expect: cma_es(budget: 100)"
  ) { call in
    Value(
      SearchValue(
        try CMAES(
          budget: call.int("budget"), population: call.int("population"), sigma: call.double("sigma"),
          active: call.bool("active"), diagonal: call.bool("diagonal"), restarts: call.int("restarts"))))
  },
  Builtin(
    "turbo(budget: 1000, batch: 10, initial: none, bound: 2.0, candidates: none)", group: "searches",
    """
    TuRBO-1, Bayesian optimisation in one trust region: a Gaussian process is fitted to what was evaluated, and `batch`
    points are drawn by Thompson sampling from a box around the best. It begins with `initial` Latin hypercube points (none: twice the
    dimension, at most 256) and searches each coordinate in ±`bound`. A round chooses from `candidates` points (none: 100 times the
    dimension, at most 5000), and takes time with their third power. For budgets of some hundred evaluations.

    Source: Eriksson, Pearce, Gardner, Turner, Poloczek, "Scalable Global Optimization via Local Bayesian Optimization", NeurIPS 2019.
    """, example: "print(turbo(budget: 200))  # expect: turbo(budget: 200)"
  ) { call in
    Value(
      SearchValue(
        try TuRBO(
          budget: call.int("budget"), batch: call.int("batch"), initial: call.optionalInt("initial"),
          bound: call.double("bound"), candidates: call.optionalInt("candidates"))))
  },
  Builtin(
    "random_search(budget: 5000, population: 50, sigma: 1.0)", group: "searches",
    "Independent normal draws with deviation `sigma`; the best one counts.",
    example: "print(type(random_search()))  # expect: search"
  ) { call in
    Value(
      SearchValue(
        try RandomSearch(
          budget: call.int("budget"), population: call.int("population"), sigma: call.double("sigma"))))
  },
]
