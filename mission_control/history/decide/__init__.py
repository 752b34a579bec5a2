"""What history tells: timelines, service levels, lost memory."""
