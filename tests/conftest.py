"""For all tests: how long a generated case takes says something of the machine, and nothing of the code."""

from hypothesis import settings

settings.register_profile("flowpath", deadline=None)
settings.load_profile("flowpath")
