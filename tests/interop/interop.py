"""A real Python at the other end.

  interop.py PEER WHICH KIND KEY [large]

WHICH is the module whose connection.py speaks: "multiprocessing", or a folder that holds the package
"multiprocess" of a newer Python. KIND is unix, abstract or tcp; KEY "-" is none.
"""
import os
import subprocess
import sys
import tempfile

SIZES = (0, 1, 16384, 16385, 1 << 20)
LARGE = (1 << 31) + 5


def load(which):
    if which == "multiprocessing":
        from multiprocessing import connection, AuthenticationError
    else:
        sys.path.insert(0, which)
        from multiprocess import connection, AuthenticationError
    return connection, AuthenticationError


def new_address(kind, scratch):
    if kind == "tcp":
        return "tcp:127.0.0.1:0"
    if kind == "abstract":
        return "unix:@xipc-interop-%d" % os.getpid()
    return "unix:" + os.path.join(scratch, "socket")


def python_address(text):
    if text.startswith("unix:@"):
        return "\0" + text[len("unix:@"):]
    if text.startswith("unix:"):
        return text[len("unix:"):]
    host, port = text[len("tcp:"):].rsplit(":", 1)
    return host, int(port)


def exchange(client, sizes):
    for size in sizes:
        message = b"x" * size
        client.send_bytes(message)
        assert client.poll(60)
        assert client.recv_bytes() == message, size
    assert not client.poll(0)


def start(peer, *words):
    emulator = os.environ.get("XIPC_EMULATOR", "").split()
    return subprocess.Popen([*emulator, peer, *words], stdout=subprocess.PIPE, text=True)


def address_of(listener):
    line = listener.stdout.readline().strip()
    if not line:
        raise AssertionError("no address: the listener ended with %d" % listener.wait(60))
    return python_address(line)


def python_connects(connection, peer, address, key, large):
    listener = start(peer, "listen", address, key or "-")
    place = address_of(listener)
    with connection.Client(place, authkey=key and key.encode()) as client:
        exchange(client, SIZES + ((LARGE,) if large else ()))
    assert listener.wait(60) == 0


def python_listens(connection, peer, address, key, large):
    with connection.Listener(python_address(address), authkey=key and key.encode()) as listener:
        place = address
        if address.startswith("tcp:"):
            place = "tcp:%s:%d" % listener.address
        client = start(peer, "connect", place, key or "-", *(["large"] if large else []))
        with listener.accept() as accepted:
            try:
                while True:
                    accepted.send_bytes(accepted.recv_bytes())
            except EOFError:
                pass
        assert client.wait(60) == 0


def keys_differ(connection, error, peer, address):
    listener = start(peer, "listen", address, "good")
    place = address_of(listener)
    try:
        connection.Client(place, authkey=b"bad")
    except error:
        pass
    else:
        raise AssertionError("a wrong key was accepted by our listener")
    assert listener.wait(60) != 0
    with connection.Listener(python_address(address.replace("socket", "second")),
                             authkey=b"good") as python:
        place = address.replace("socket", "second")
        if address.startswith("tcp:"):
            place = "tcp:%s:%d" % python.address
        client = start(peer, "connect", place, "bad")
        try:
            python.accept()
        except error:
            pass
        else:
            raise AssertionError("our wrong key was accepted")
        assert client.wait(60) != 0


def main():
    peer, which, kind, key = sys.argv[1:5]
    large = sys.argv[5:] == ["large"]
    key = None if key == "-" else key
    connection, error = load(which)
    with tempfile.TemporaryDirectory() as scratch:
        python_connects(connection, peer, new_address(kind, scratch), key, large)
    with tempfile.TemporaryDirectory() as scratch:
        python_listens(connection, peer, new_address(kind, scratch), key, large)
    if key and not large:
        with tempfile.TemporaryDirectory() as scratch:
            keys_differ(connection, error, peer, new_address(kind, scratch))
    print("ok:", connection.__file__)


main()
