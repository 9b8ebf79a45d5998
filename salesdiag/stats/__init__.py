"""Arithmetic on small arrays of counts and sums; it knows no sales words."""
