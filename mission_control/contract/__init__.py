"""What services say of themselves: shapes, claims, schema."""
