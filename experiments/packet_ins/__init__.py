"""A load of emulated switches: what they ask, how they check the answers, whom they ask."""
