"""Five functions for a notebook or a program: `evaluate`, `compare`, `board`, `check` and `load_run`.

They do what the commands of these names do, by the same code, and give objects: with a frame, pictures, and a page's worth of HTML.
Nothing heavy is imported before one of them is called.
"""
