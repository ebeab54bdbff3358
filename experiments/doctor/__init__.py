"""What this machine can and cannot do, in plain words, and the command that mends each fault.

``probes`` looks and changes nothing, ``findings`` judges what was seen, ``command`` prints it. Nothing here needs
more than Python itself: the doctor has to answer where nothing is set up.
"""
