"""A run that several processes answer: who starts them, watches them, and says what became of each."""
