"""What follows from history: timelines, service levels, lost memory."""
