// Clients, defenses, attacks, controls, priors and metrics.
import SeepLanguage

let leakageBuiltins: [Builtin] =
  searchBuiltins + defenseBuiltins + privacyBuiltins + estimateBuiltins + federatedBuiltins + attackBuiltins
  + userAttackBuiltins
  + priorBuiltins
  + metricBuiltins + auditBuiltins + auditToolBuiltins
