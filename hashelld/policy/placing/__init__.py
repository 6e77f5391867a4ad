"""What should be where: scores, constraints, and the choice of nodes and roles."""
