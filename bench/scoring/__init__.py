"""From stored predictions to scores; no model is needed."""
