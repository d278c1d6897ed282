"""Files to begin with: tasks, models, metrics, suites, boards and packages of one's own; and a task tried before it is run."""
