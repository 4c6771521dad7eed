"""Selling many shares: fast is dear, slow is risky."""
