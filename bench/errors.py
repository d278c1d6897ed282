"""The one class of errors that a user can fix."""

from __future__ import annotations


class BenchError(Exception):
    """Something the user can fix; `bench` prints it as one line and exits with 2.

    The text says where, what was found, what is allowed and what to do. Everything else that is raised is a bug
    and keeps its traceback.
    """
