"""The ways out: one small module for each form that a message can take."""
