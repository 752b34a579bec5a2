"""The attestation of a session: whether anything of execution was seen, and every gap."""
