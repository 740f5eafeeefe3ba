import threading

from cifar_tui.control import CancelEvaluation, Evaluate, Pause, Requests, Resume, Stop


def test_requests_come_out_in_the_order_they_were_asked() -> None:
    requests = Requests()
    assert requests.take() is None
    for request in (Pause(), Evaluate("net_001.pth"), Resume()):
        requests.ask(request)
    assert [requests.take() for _ in range(4)] == [Pause(), Evaluate("net_001.pth"), Resume(), None]


def test_a_waiting_engine_wakes() -> None:
    requests = Requests()
    threading.Timer(0.05, requests.ask, [Stop()]).start()
    assert requests.wait() == Stop()


def test_looking_for_a_stop_leaves_it_there() -> None:
    requests = Requests()
    assert not requests.stop_asked()
    requests.ask(Pause())
    requests.ask(Stop())
    assert requests.stop_asked()
    assert requests.has(Pause, CancelEvaluation)
    assert not requests.has(CancelEvaluation)
    assert requests.take() == Pause()
    assert requests.take() == Stop()
