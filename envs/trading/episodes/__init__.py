"""What an episode of trading was worth: numbers, pictures, tables, the best in hindsight."""
