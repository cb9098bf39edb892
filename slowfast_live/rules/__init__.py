"""User-defined rules: what to do when an action is seen for a while. No Qt here."""
