"""The table of commands, and the menu and shortcut list generated from it."""
