"""Agents as files that act without us: ONNX."""
