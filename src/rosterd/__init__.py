"""rosterd: a self-hosted SCIM 2.0 provisioning service."""
