"""Decoding: from next-token logits to sequences of token ids."""
