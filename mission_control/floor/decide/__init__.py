"""From evidence to posture: pure decisions, incremental where measured."""
