"""How long the pages of the example shop take to make, where it has many orders."""
