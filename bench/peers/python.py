"""Python's multiprocessing.Queue and Pipe.

python.py queue|pipe WRITERS READERS PLACE SIZE CAPACITY MESSAGES prints nanoseconds a message.
"""
import multiprocessing
import os
import sys
import time

kind = sys.argv[1]
writers, readers, place, size, capacity, messages = map(int, sys.argv[2:])
ANYWHERE, TWO_PROCESSORS, ONE_PROCESSOR = range(3)


def take_part(is_reader, share, line, barrier, times, number):
    if place != ANYWHERE:
        processors = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {processors[is_reader and place == TWO_PROCESSORS]})
    message = bytes(size)
    if kind == "queue":
        call = line.get if is_reader else line.put
    else:
        call = line[1].recv_bytes if is_reader else line[0].send_bytes
    barrier.wait()
    times[2 * number] = time.monotonic()
    for _ in range(share):
        if is_reader:
            call()
        else:
            call(message)
    if kind == "queue" and not is_reader:
        line.close()
        line.join_thread()
    times[2 * number + 1] = time.monotonic()


def main():
    method = multiprocessing.get_context("fork")
    count = writers + readers
    each = max(messages // writers, readers)
    each -= each * writers % readers
    total = each * writers
    line = method.Queue(capacity) if kind == "queue" else method.Pipe()
    barrier = method.Barrier(count)
    times = method.Array("d", 2 * count, lock=False)
    children = []
    for number in range(count):
        is_reader = number >= writers
        share = total // readers if is_reader else each
        arguments = (is_reader, share, line, barrier, times, number)
        children.append(method.Process(target=take_part, args=arguments, daemon=True))
    for child in children:
        child.start()
    for child in children:
        child.join()
    if any(child.exitcode != 0 for child in children):
        sys.exit(1)
    print((max(times[1::2]) - min(times[0::2])) / total * 1e9)


main()
