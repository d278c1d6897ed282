"""One module a command, whose `main` takes the parsed options and gives the exit code; loaded when it is called.

Progress and notes go to stderr, results to stdout.
"""
