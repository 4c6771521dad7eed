"""Trained agents that come with the package: `model:NAME`, made by `evaluate.py models --add RUN`."""
