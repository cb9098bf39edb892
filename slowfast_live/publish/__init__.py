"""What is recognized, for other programs: a local feed, MQTT, a text file. No Qt here."""
