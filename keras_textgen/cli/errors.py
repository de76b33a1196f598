"""What ends the program in place of a run."""


class RunError(Exception):
    r"""What a user can put right, in one line; ends a run with status 2.

    Example:
    >>> RunError("--data_dir=a\nb: no such file")
    RunError('--data_dir=a b: no such file')
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))


class HelpRequested(Exception):  # noqa: N818 - not an error
    """The command line asks for help.

    Attributes:
      model: the one whose settings are asked for, None for all.
    """

    def __init__(self, model: str | None = None) -> None:
        super().__init__(model)
        self.model = model


class VersionRequested(Exception):  # noqa: N818 - not an error
    """The command line asks for the version."""
