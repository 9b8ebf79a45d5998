"""Questions asked of a department: each function gives one tidy table."""
