"""Forks the real command from one process again and again, and wounds it before it begins."""

import wounds
from support.preloaded import serve

if __name__ == "__main__":
    serve(lambda request: wounds.inflict(request["wounds"]))
