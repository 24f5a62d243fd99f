"""Whether a file has another content than before, also when a ConfigMap's links are swapped below it."""

import os


class Look:
    """What a file was when it was last looked at. A look is a system call of microseconds; reading follows a change."""

    def __init__(self, file: str | os.PathLike[str], *, first: bool = False) -> None:
        """What is there now is no news, unless `first` says that it is to be told too."""
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._text: bytes | None = None
        if not first:
            self.again()

    def again(self) -> bytes | None:
        """The content when it is another than before."""
        try:
            status = os.stat(self._file)
            stamp = status.st_ino, status.st_size, status.st_mtime_ns
            if stamp == self._stamp:
                return None
            with open(self._file, "rb") as opened:
                text = opened.read()
        except OSError:
            return None
        self._stamp, before, self._text = stamp, self._text, text
        return text if text != before else None
