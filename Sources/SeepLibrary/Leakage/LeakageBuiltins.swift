// Clients, defenses, attacks, controls and metrics.
import SeepLanguage

let leakageBuiltins: [Builtin] = searchBuiltins
