"""The options of the commands, one module a group of them; nothing heavy is imported here."""
