"""The durable copy of the record: what is sent, where, and whether it arrived."""
