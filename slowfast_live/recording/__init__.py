"""Keeping the live picture: as it comes, or the last seconds of it after the fact. No Qt here."""
