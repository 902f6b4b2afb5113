// Leakage
