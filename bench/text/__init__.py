"""What is done to text from outside: normalised to be scored, read as a reply, made safe to be shown."""
