"""The main job: evidence to alarms to service state to posture."""
