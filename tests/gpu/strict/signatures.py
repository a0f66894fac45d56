"""What a call may look like, from the record; checked at every call, so it has to be fast."""

import json
import pathlib

RECORD = json.loads(pathlib.Path(__file__).with_name("record.json").read_text())


def words(text):
    """The words of a text, as a set."""
    return frozenset(text.split())


class Signature:
    """The parameters of one function, as `a axis= * out=`, where `=` means: may be left out.

    >>> Signature("sum", "a axis= dtype= out= keepdims=").check((1,), {"where": 2})
    Traceback (most recent call last):
    TypeError: sum() got an unexpected keyword argument 'where'
    """

    def __init__(self, name, takes):
        self.name = name
        words = [word for word in takes.split() if word != "/"]
        star = next((i for i, word in enumerate(words) if word.startswith("*")), len(words))
        self.positional = tuple(word.rstrip("=") for word in words[:star])
        self.required = tuple(word for word in words if word[-1] != "=" and word[0] != "*")
        self.most = float("inf") if any(w[0] == "*" and len(w) > 1 and w[1] != "*" for w in words) else star
        self.least = sum(word in self.required for word in self.positional)
        if len(self.required) > self.least:
            self.least = float("inf")  # one is a keyword
        self.any_keyword = any(word.startswith("**") for word in words)
        self.keywords = frozenset(word.rstrip("=") for word in words if word[0] != "*")

    def check(self, args, kwargs):
        """Raise the TypeError that Python would."""
        given = len(args)
        if not kwargs and self.least <= given <= self.most:
            return
        if given > self.most:
            raise TypeError(f"{self.name}() takes {self.most} positional arguments but {given} were given")
        for name in kwargs:
            if name not in self.keywords:
                if not self.any_keyword:
                    raise TypeError(f"{self.name}() got an unexpected keyword argument {name!r}")
            elif name in self.positional[:given]:
                raise TypeError(f"{self.name}() got multiple values for argument {name!r}")
        if given < len(self.required):
            for name in self.required:
                if name not in kwargs and name not in self.positional[:given]:
                    raise TypeError(f"{self.name}() missing a required argument: {name!r}")
