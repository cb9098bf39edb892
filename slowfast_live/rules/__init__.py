"""Asked by rule: what happens when an action is seen for a while. No Qt here."""
