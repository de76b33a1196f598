"""Files of lines, for readers of them."""


def write(path, lines):
    """Write a line each, and give the path."""
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path
