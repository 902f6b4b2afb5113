// Clients, defenses, attacks, controls, priors and metrics.
import SeepLanguage

let leakageBuiltins: [Builtin] =
  searchBuiltins + defenseBuiltins + privacyBuiltins + federatedBuiltins + attackBuiltins + priorBuiltins
  + metricBuiltins
