"""What a training run consists of: its folder, checkpoints and callbacks."""
