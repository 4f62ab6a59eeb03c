"""How good the order is: the protocols replay, split and cold."""
