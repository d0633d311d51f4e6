"""Identity as code: what access is declared, what is true, and the way from one to the other."""
