"""What was: judged changes, alarms and minutes in SQL, and questions about them."""
