"""What is said of readings: percentiles, rules, and the summary of a timing scenario; nothing here runs a model."""
