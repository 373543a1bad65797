"""The golden vectors as a product: inputs with every intermediate and the mistakes they catch, in files."""
