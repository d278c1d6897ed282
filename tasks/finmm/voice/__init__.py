"""The voices of finmm: utterances of customers and agents, spoken by synthesisers."""
