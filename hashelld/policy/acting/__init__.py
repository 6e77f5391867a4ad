"""What leads there: steps, their order, what makes them necessary or impossible, and the transition."""
