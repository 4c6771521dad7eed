"""The Universal Chess Interface: its engines at our tables, and our players as such engines."""
