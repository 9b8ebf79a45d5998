"""Reductions that several analyses share: small tables of counts and days, made once."""
