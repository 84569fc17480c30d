"""What is done outside our database: stock changes and announcements, after the intent was committed."""
