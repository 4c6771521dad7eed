"""What a run says: TensorBoard, metrics.jsonl, films, progress on the terminal."""
