"""What commands, effects and webhooks walk alike: a case that is read once, and one commit."""
