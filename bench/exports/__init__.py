"""Runs in the formats of others: what harnesses, hubs, papers and spreadsheets take. No text of an example is in any of them."""
