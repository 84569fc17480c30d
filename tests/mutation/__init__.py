"""``make mutants``: whether the tests prove the rules. See `mutation.__main__`."""
