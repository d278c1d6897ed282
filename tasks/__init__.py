"""The tasks. Each is named by a file in conf/task."""
