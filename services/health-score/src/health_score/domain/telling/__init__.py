"""What there is to say to a person, as keys and parameters: texts in a language are made of them elsewhere."""
