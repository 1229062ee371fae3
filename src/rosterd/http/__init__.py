"""The SCIM application as plain ASGI, mountable under any path; async only here and in delivery."""
