"""The machine that an experiment borrows: one run at a time, all it makes journaled before and undone after."""
