"""Recipes x operands x amax x draws on one model: the plan, the run on a device, the page of the report."""
