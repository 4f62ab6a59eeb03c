"""What `kepu demo` shows: original articles, and simulated citizens who read them."""

SIMULATED = "sim-"
"""Begins the ids of simulated citizens."""

FIRST_CITIZENS = tuple(f"{SIMULATED}{1:0{width}d}" for width in range(1, 10))
"""Ids of the first citizen of a simulation, by its size: where one of them is, citizens are simulated."""
