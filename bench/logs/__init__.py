"""What is written of a run while it goes on, for whoever looks later: its log, and the report of a fault."""
