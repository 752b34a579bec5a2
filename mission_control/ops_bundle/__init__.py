"""The pre- and post-market bundles, and the intraday sample."""
