"""What is exported is what the other tool reads."""
