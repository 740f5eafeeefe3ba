import threading

from cifar_tui.control import CancelEvaluation, Evaluate, Pause, RequestQueue, Resume, Stop


def test_requests_come_out_in_the_order_they_were_asked() -> None:
    requests = RequestQueue()
    assert requests.dequeue() is None
    for request in (Pause(), Evaluate("net_001.pth"), Resume()):
        requests.enqueue(request)
    assert [requests.dequeue() for _ in range(4)] == [Pause(), Evaluate("net_001.pth"), Resume(), None]


def test_a_waiting_engine_wakes() -> None:
    requests = RequestQueue()
    threading.Timer(0.05, requests.enqueue, [Stop()]).start()
    assert requests.wait_for_next() == Stop()


def test_looking_for_a_stop_leaves_it_there() -> None:
    requests = RequestQueue()
    assert not requests.stop_requested()
    requests.enqueue(Pause())
    requests.enqueue(Stop())
    assert requests.stop_requested()
    assert requests.contains(Pause, CancelEvaluation)
    assert not requests.contains(CancelEvaluation)
    assert requests.dequeue() == Pause()
    assert requests.dequeue() == Stop()
