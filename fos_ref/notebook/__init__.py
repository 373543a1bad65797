"""What does a notebook show? Values as small tables and drawings, in HTML that needs nothing else."""
