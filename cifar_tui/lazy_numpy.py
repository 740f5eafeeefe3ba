"""numpy for what is imported before the first frame: its 60 ms come with the first function of it that is used."""


def __getattr__(name: str) -> object:
    import numpy

    globals()[name] = found = getattr(numpy, name)
    return found
