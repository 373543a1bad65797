"""Who runs the tasks: this process, processes of this machine, or a cluster of Dask."""
