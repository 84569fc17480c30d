"""How plugins are declared, loaded, called and kept apart from each other."""
