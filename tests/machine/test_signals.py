"""Signals that ask a run to end."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from experiments.machine.signals import Interrupted, Signals


@pytest.fixture
def caught():
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signals = Signals()
    signals.catch()
    yield signals
    signals.restore()
    signal.signal(signal.SIGHUP, before)


def strike(signum=signal.SIGHUP):
    os.kill(os.getpid(), signum)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_interrupts_and_the_second_does_not(caught, signum, capfd):
    with pytest.raises(Interrupted, match=signum.name):
        strike(signum)
    strike(signum)
    assert capfd.readouterr().err == "flowpath: cleaning up, one moment\n"


def test_a_signal_waits_for_what_must_be_whole(caught):
    done = []

    def whole():
        with caught.held():
            with caught.held():
                strike()
            done.append("all of it")

    with pytest.raises(Interrupted):
        whole()
    assert done


def test_an_error_in_what_must_be_whole_counts_more_than_the_signal(caught):
    def whole():
        with caught.held():
            strike()
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        whole()


def test_a_signal_that_comes_while_an_object_is_finalised_is_not_lost(caught):
    class Finalised:
        def __del__(self):
            strike()

    with pytest.raises(Interrupted):
        use(Finalised)


def use(kind):
    kind()  # gone at once; what its end raises, Python can only print
    signal.pause()


def test_nothing_interrupts_the_closing(caught):
    caught.closing = True
    strike()


def test_what_our_parent_had_us_ignore_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals = Signals()
    signals.catch()
    strike()
    signals.restore()
    assert signal.signal(signal.SIGHUP, before) is signal.SIG_IGN


def test_other_threads_have_no_signals_to_catch():
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=Signals().catch)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
