"""Record, durable copy: the record kept at another place; the one room that writes elsewhere."""
