"""Audits of trading environments, ours or others."""
