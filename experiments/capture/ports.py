"""The description of a port (§7.2.1), as replies and PORT_STATUS hold it."""

from __future__ import annotations

from experiments.capture import names
from experiments.capture.layout import Layout, flags_of

PORT = Layout(
    "port",
    "port_no:I 4x hw_addr:6s:mac 2x name:16s:text config:I:config state:I:state curr:I:features advertised:I:features"
    " supported:I:features peer:I:features curr_speed:I max_speed:I",
    config=flags_of(names.PORT_CONFIG),
    state=flags_of(names.PORT_STATE),
    features=flags_of(names.PORT_FEATURES),
)
