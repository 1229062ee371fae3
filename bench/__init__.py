"""The benchmark: drives a running SCIM server over loopback and prints what it costs. See README.md."""
