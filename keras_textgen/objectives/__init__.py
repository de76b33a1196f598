"""What is minimized and what bounds a likelihood: functions of tensors."""
