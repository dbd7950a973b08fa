"""How a network runs: families, folding, plans, lanes."""
