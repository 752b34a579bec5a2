"""History: what was decided and from what, in SQL; the only room that speaks SQLAlchemy."""
