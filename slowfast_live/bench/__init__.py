"""How fast the app is on this machine, beside other ways to run the same network."""
