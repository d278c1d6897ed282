"""Runs into MLflow and out of it: the only `import mlflow` of the harness, but for models that MLflow keeps."""
