"""The SCIM 2.0 protocol, pure: values in, values out; the standard library only."""
