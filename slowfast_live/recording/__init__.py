"""Recording of the live picture, either from now on or retroactively for the last seconds. No Qt here."""
