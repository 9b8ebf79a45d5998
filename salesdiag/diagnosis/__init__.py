"""From tables to findings: what is wrong, how much it costs, how sure, who controls it."""
