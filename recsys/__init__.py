"""Recommendation: features, models, the fast layer, ranking, and how well they do."""
