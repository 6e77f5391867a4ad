"""What there is: the view expanded to items and nodes, and what the history says of them."""
