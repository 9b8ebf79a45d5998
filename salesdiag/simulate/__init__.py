"""Departments made up with a fault that is known, for samples, tests and the benchmark."""
