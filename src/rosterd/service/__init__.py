"""Use cases. They know the protocol and the ports, and do no I/O of their own."""
