"""The Ryu application: ``ryu-manager controller.app``.

It puts the network operating system behind Ryu's switches (`controller.southbound.channel`) and its answers behind
Ryu's web server; all of Ryu's options hold, and other Ryu applications may be loaded beside it.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from importlib import metadata
from typing import Any

from eventlet import event as green
from ryu.app.wsgi import ControllerBase, Request, Response, WSGIApplication, route
from ryu.base.app_manager import AppManager, RyuApp
from ryu.cfg import CONF
from ryu.lib import hub
from ryu.ofproto import ofproto_v1_3

from controller import apps, process
from controller import config as configuration
from controller.config import Config
from controller.model import Event, SwitchDown, SwitchSettled
from controller.network_os import NetworkOS
from controller.northbound import health
from controller.northbound.health import BadQuery, Json, Problem, Wanted
from controller.southbound import channel
from controller.southbound.switchboard import Switchboard

_REQUIRED_APP = ["ryu.controller.ofp_handler"]  # Ryu reads this name: what serves OpenFlow must be loaded too.

log = logging.getLogger("controller.app")

VERSION = metadata.version("flowpath")
GRAIN = 0.002
"""Seconds between two ticks, at least: what is due meanwhile goes together."""
TICK_AFTER_FAULT = 1.0


def configure() -> Config:
    """Read the configuration and give Ryu's options their defaults from it; what Ryu was told explicitly stays."""
    try:
        config = configuration.load()
    except configuration.ConfigError as error:
        process.refuse(str(error))
    CONF.set_default("ofp_listen_host", config.host)
    CONF.set_default("ofp_tcp_listen_port", config.port)
    CONF.set_default("ofp_ssl_listen_port", config.port)
    CONF.set_default("wsapi_host", config.rest_host)
    CONF.set_default("wsapi_port", config.rest_port)
    configure_log(config)
    return config


def configure_log(config: Config) -> None:
    """Lines with their time; Ryu's own only when they matter, unless it was asked to be verbose."""
    for handler in logging.getLogger().handlers:
        if handler.formatter is None:
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    if CONF.verbose or CONF.default_log_level is not None:
        return
    logging.getLogger("controller").setLevel(config.log_level.upper())
    for chatty in ("ryu.lib.hub", "ryu.base.app_manager"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def has_company() -> bool:
    """Whether other Ryu applications are loaded, whose rules are not to be touched."""
    loaded = AppManager.get_instance().applications_cls.values()
    return any(each.__module__ not in (__name__, *_REQUIRED_APP) for each in loaded)


def start_clock() -> Callable[[], float]:
    """A clock that tells the time of day in seconds, as captures have it, and never runs back."""
    offset = time.time() - time.monotonic()
    return lambda: offset + time.monotonic()


CONFIG = configure()
channel.install()


class Flowpath(RyuApp):  # type: ignore[misc]  # Ryu has no types.
    """Starts the network operating system, tells it the time, and ends it."""

    OFP_VERSIONS = [ofproto_v1_3.OFP_VERSION]  # noqa: RUF012
    _CONTEXTS = {"wsgi": WSGIApplication}  # noqa: RUF012

    def __init__(self, *args: Any, wsgi: WSGIApplication, **kwargs: Any) -> None:
        super().__init__(*args, wsgi=wsgi, **kwargs)
        secure = CONF.ctl_privkey is not None and CONF.ctl_cert is not None
        port = CONF.ofp_ssl_listen_port if secure else CONF.ofp_tcp_listen_port
        process.require_free(
            [
                process.Endpoint(CONF.ofp_listen_host, port, "OpenFlow"),
                process.Endpoint(CONF.wsapi_host, CONF.wsapi_port, "REST"),
            ]
        )
        try:
            loaded = [apps.load(spec, CONFIG) for spec in CONFIG.apps]
        except apps.AppError as error:
            process.refuse(str(error))
        self.clock = start_clock()
        self._earlier = green.Event()
        self.network_os = NetworkOS(loaded, keep_foreign=has_company(), earlier=self._tick_earlier)
        self.network_os.listen(self._happened)
        self.board = Switchboard(self.network_os, self.clock)
        channel.connect(self.board)
        self._readiness = green.Event()
        wsgi.register(Rest, {"flowpath": self})
        names = ", ".join(app.name for app in self.network_os.apps)
        log.info("Flowpath %s: %s; OpenFlow at %s:%d", VERSION, names, CONF.ofp_listen_host, port)

    def start(self) -> None:
        """Ryu has loaded everything; from now on there may be switches."""
        super().start()
        process.end_on_signals(self._end)
        hub.spawn(self._tell_time)

    def _end(self) -> None:
        log.info("ending")
        self.board.close()

    def _tell_time(self) -> None:
        while True:
            wait = max(self.network_os.next_due - self.clock(), GRAIN)
            with hub.Timeout(wait, False):
                self._earlier.wait()
            self._earlier = green.Event()
            try:
                self.board.tell(self.network_os.tick(self.clock(), self.board.load()))
            except Exception:
                log.exception("a fault of this controller, in what it does by itself")
                hub.sleep(TICK_AFTER_FAULT)

    def _tick_earlier(self) -> None:
        if not self._earlier.ready():
            self._earlier.send()

    def _happened(self, event: Event, now: float) -> None:
        if isinstance(event, SwitchSettled | SwitchDown):
            waited_for, self._readiness = self._readiness, green.Event()
            waited_for.send()

    def health(self, wanted: Wanted) -> Json:
        """The answer about health, as soon as it is "ready", else when the time is up."""
        deadline = time.monotonic() + wanted.timeout
        while True:
            answer = health.health(self.network_os, VERSION, wanted.switches)
            left = deadline - time.monotonic()
            if answer["status"] == "ready" or left <= 0:
                return answer
            with hub.Timeout(left, False):
                self._readiness.wait()


Handler = Callable[["Rest", Request], Response]


def get(name: str) -> Callable[[Handler], Handler]:
    """The decorator of what answers ``GET /api/v1/name``."""
    decorate: Callable[[Handler], Handler] = route(name, f"/api/v1/{name}", methods=["GET"])
    return decorate


class Rest(ControllerBase):  # type: ignore[misc]
    """The routes; what they answer is made in `controller.northbound`."""

    @get("health")
    def health(self, request: Request) -> Response:
        return self._answer(lambda flowpath: flowpath.health(health.wanted(request.GET)))

    @get("switches")
    def switches(self, request: Request) -> Response:
        return self._answer(lambda flowpath: health.switches(flowpath.network_os))

    @get("decisions")
    def decisions(self, request: Request) -> Response:
        return self._answer(lambda flowpath: health.decisions(flowpath.network_os.recent(health.last(request.GET))))

    def _answer(self, question: Callable[[Flowpath], Json]) -> Response:
        status, kind = HTTPStatus.OK, "application/json"
        try:
            body = question(self.data["flowpath"])
        except BadQuery as fault:
            status, kind = HTTPStatus.BAD_REQUEST, "application/problem+json"
            body = Problem(status, str(fault)).to_json()
        return Response(status=status.value, content_type=kind, body=json.dumps(body).encode())
