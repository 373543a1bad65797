"""What did we learn? Errors of every rule on named inputs and real weights, as tables and figures."""
