// The attacks by their names in Seep: a new one is a file and a line here.

/// Names of attacks that need nothing but an update and a model, with their defaults. `ggl` needs a prior and `lti` public images as well; `dlg`, `idlg` and
/// `analytic` are written in Seep (stdlib/attacks).
public enum Attacks {
  public static let named: [(name: String, make: @Sendable () throws -> any Attack)] = [
    ("inverting_gradients", { try InvertingGradients() }),
    ("grad_inversion", { try GradInversion() }),
    ("untrained_prior", { try UntrainedPrior() }),
  ]
}
