"""The four tokens that every vocabulary begins with; free of TensorFlow."""

PAD_ID = 0
UNKNOWN_ID = 1
START_ID = 2
END_ID = 3
PAD = ""
UNKNOWN = "<unk>"
START = "<s>"
END = "</s>"
SPECIALS = (PAD, UNKNOWN, START, END)
