"""What pictures of robots share."""
