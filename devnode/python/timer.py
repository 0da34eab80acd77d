#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Asks the timer service for a periodic timer and prints its expiries.

    timer.py DEVICE [PERIOD_US [COUNT [SERVICE]]]

DEVICE is /dev/offsched or the socket of a hosted core. Needs nothing but Python: the kernel's
device is read and written, of the hosted one the rings are mapped (protocol: executive/abi).
"""

import errno
import fcntl
import mmap
import os
import re
import select
import socket
import stat
import struct
import sys
import threading
import time

HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../kmod/offsched_abi.h")
ABI = {name: int(value.rstrip("UL"), 0) for name, value in
       re.findall(r"^#define OFFSCHED_(\w+) (0?x?[0-9a-f]+U?L*)$", open(HEADER).read(), re.M)}

REPLIES = {2: "another ABI version or layout: build both from the same sources",
           3: "the image has no service of that name", 4: "all its channels are taken",
           6: "the core does not run", 7: "the device has no handles left",
           8: "its messages are of other types than this program's: is it a timer service?",
           9: "the service is limited to a group, and this user is not in it"}
# States of a core in which it serves, and what to say of another.
LIVE, CRASHED = (1, 2), 4
# What the kernel's device refuses with.
ERRNOS = {errno.EPROTO: 2, errno.ENOENT: 3, errno.EBUSY: 4, errno.ENODEV: 6, errno.ENOMEM: 7,
          errno.EPROTOTYPE: 8, errno.EPERM: 9}
# And what it says of a channel that was one.
GONE = {errno.EIO: "the core is gone: start it again",
        errno.ESHUTDOWN: "the device closed the channel: bind again",
        errno.EBADMSG: "the channel's memory is damaged: bind again"}


class Failure(Exception):
    """What went wrong, in a sentence."""


def message_type(text):
    """A message's identity: FNV-1a, 64 bits, over its name, fields with offsets, and size."""
    value = 0xcbf29ce484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return value


class Ring:
    """One half of a ring of messages of one size: indices are ours, only copies are published.

    (Messages of a service that does not state their type have any size, and a header each.)"""

    def __init__(self, words, tail, head, start, epoch, count, size):
        self.words, self.tail, self.head = words, tail, head
        self.start, self.epoch, self.count = start, epoch, count
        self.size, self.need = size, (size + 7) // 8
        # Words that stay free before the reader: a cache line, if the messages leave that much.
        self.gap = 8 if 2 * self.need + 8 <= count else 1
        self.write = self.last = self.read = 0

    # Aligned 8-byte words are loaded and stored whole by CPython on x86-64, which orders loads and
    # stores as rings need them; only a store before a load wants a fence (see Hosted.fence).
    def load(self, word):
        value = self.words[word]
        if value >> 48 != self.epoch:
            return 0, 0
        at, last = value & 0xffffff, value >> 24 & 0xffffff
        if at > self.count or last > self.count:
            raise Failure("the channel's memory is damaged")
        return at, last

    def place(self):
        if self.write < self.read:
            return self.write if self.need + self.gap <= self.read - self.write else None
        if self.need <= self.count - self.write:
            return self.write
        return 0 if self.need + self.gap <= self.read else None

    def push(self, payload):
        """Sends a message; false if there is no room."""
        if len(payload) != self.size:
            raise Failure("the message has not its type's size")
        place = self.place()
        if place is None:
            self.read, _ = self.load(self.head)
            place = self.place()
            if place is None:
                return False
        body = payload + bytes(-len(payload) % 8)
        for at, word in enumerate(struct.unpack(f"<{self.need}Q", body), self.start + place):
            self.words[at] = word
        if place < self.write:
            self.last = self.write
        self.write = place + self.need
        self.words[self.tail] = self.epoch << 48 | self.last << 24 | self.write
        return True

    def pop(self):
        """The next message; None if there is none."""
        if self.read == self.write:
            self.write, self.last = self.load(self.tail)
        if self.write < self.read and self.read >= self.last:
            self.read = 0
        if self.read == self.write:
            return None
        at = self.start + self.read
        if self.read + self.need > (self.last if self.write < self.read else self.write):
            raise Failure("the channel's memory is damaged")
        body = struct.pack(f"<{self.need}Q", *self.words[at:at + self.need])
        self.read += self.need
        self.words[self.head] = self.epoch << 48 | self.read
        return body[:self.size]


class Hosted:
    """A channel of a hosted device: its pages are mapped, eventfds wake and ring."""

    REQUEST, REPLY = struct.Struct("<IIQII32sQQ"), struct.Struct("<IIQ6I")
    # Words of the control page.
    CORE_WANTS, APP_WANTS, TO_CORE, FROM_CORE, DATA = 0, 16, 32, 64, 512

    def __init__(self, path, service, types):
        self.lock = threading.Lock()
        hello, _, (region,) = self.ask(path, "OP_HELLO", 1, bytes(32), 0, 0)
        hello.close()
        self.region = mmap.mmap(region, 0, prot=mmap.PROT_READ)
        os.close(region)
        self.core = memoryview(self.region).cast("I")[ABI["STATE_OFFSET"] // 4:][:2]
        self.handle, answer, fds = self.ask(path, "OP_BIND", 3, service, *types)
        *_, self.core_epoch, _, _, epoch = answer
        pages, self.wake, self.doorbell = fds
        self.pages = mmap.mmap(pages, 0)
        os.close(pages)
        self.words = memoryview(self.pages).cast("Q")
        count = (len(self.words) - self.DATA) // 2
        self.tx = Ring(self.words, self.TO_CORE, self.TO_CORE + 16, self.DATA, epoch, count,
                       REQUEST.size)
        self.rx = Ring(self.words, self.FROM_CORE, self.FROM_CORE + 16, self.DATA + count, epoch,
                       count, REPLY.size)

    @classmethod
    def ask(cls, path, op, count, service, *types):
        """A connection, and its answer to one request with so many descriptors."""
        handle = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        handle.settimeout(5)
        handle.connect(path)
        handle.send(cls.REQUEST.pack(ABI["NODE_MAGIC"], ABI["ABI_VERSION"], ABI["LAYOUT_HASH"],
                                     ABI[op], 0, service, *types))
        answer, fds, _, _ = socket.recv_fds(handle, cls.REPLY.size, 3, socket.MSG_CMSG_CLOEXEC)
        if len(answer) != cls.REPLY.size:
            raise Failure("the device hung up")
        answer = cls.REPLY.unpack(answer)
        if answer[3] or len(fds) != count:
            raise Failure(REPLIES.get(answer[3], "an answer that this program does not understand"))
        return handle, answer, fds

    def check(self):
        """That the core runs, and still the image that was bound: one that crashes wakes us, and its device may live."""
        state, epoch = self.core
        if epoch != self.core_epoch or state not in LIVE:
            raise Failure("the core crashed: start it again" if state == CRASHED else GONE[errno.EIO])

    def fence(self):
        """Taking a lock is a locked instruction, and so a full fence."""
        with self.lock:
            pass

    def ring_if_wanted(self):
        self.fence()
        if self.words[self.CORE_WANTS]:
            self.words[self.CORE_WANTS] = 0
            os.write(self.doorbell, struct.pack("=Q", 1))

    def send(self, message):
        while not self.tx.push(message):
            self.sleep(ABI["WAKE_ROOM"], lambda: self.tx.load(self.tx.head)[0] != self.tx.read, 5)
        self.ring_if_wanted()

    def recv(self, seconds):
        """The next message; None if none comes in time."""
        deadline = time.monotonic() + seconds
        while (message := self.rx.pop()) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.sleep(ABI["WAKE_MAIL"], lambda: self.rx.load(self.rx.tail)[0] != self.rx.read, left)
        self.ring_if_wanted()
        return message

    def sleep(self, kind, ready, seconds):
        """Asks for the doorbell, looks once more, sleeps."""
        self.check()
        self.words[self.APP_WANTS] = kind
        self.fence()
        if not ready():
            found, _, _ = select.select([self.wake, self.handle], [], [], seconds)
            if self.wake in found:
                os.read(self.wake, 8)
            elif found:
                raise Failure("the device is gone: start it again")
        self.words[self.APP_WANTS] = 0

    def close(self):
        self.core.release()
        self.words.release()
        self.pages.close()
        for fd in (self.wake, self.doorbell):
            os.close(fd)
        # A child may have a copy of it.
        self.handle.shutdown(socket.SHUT_WR)
        self.handle.close()


class Kernel:
    """A channel of the kernel's device: read and written, a message a call."""

    BIND = struct.Struct("<IIQ32s6I4Q")

    @staticmethod
    def ioctl(fd, number, argument):
        """_IOWR of the device."""
        fcntl.ioctl(fd, 3 << 30 | len(argument) << 16 | 0xf7 << 8 | number, argument)

    def __init__(self, path, service, types):
        self.fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self.ioctl(self.fd, 0, bytearray(b"\xff\xff\xff\xff"))  # any CPU
        bind = self.BIND.pack(ABI["ABI_VERSION"], 0, ABI["LAYOUT_HASH"], service,
                              0, 0, 0, 0, 0, 0, *types, 0, 0)
        try:
            self.ioctl(self.fd, 6, bytearray(bind))
        except OSError as error:
            raise Failure(REPLIES.get(ERRNOS.get(error.errno), error.strerror)) from error

    def call(self, what, argument):
        """A call of the bound channel."""
        try:
            return what(self.fd, argument)
        except OSError as error:
            raise Failure(GONE.get(error.errno, error.strerror)) from error

    def send(self, message):
        self.call(os.write, message)

    def recv(self, seconds):
        """The next message; None if none comes in time."""
        wait = select.poll()
        wait.register(self.fd, select.POLLIN)
        return self.call(os.read, 4096) if wait.poll(int(seconds * 1000)) else None

    def close(self):
        os.close(self.fd)


# The messages of services/src/timer/messages.rs.
START, CANCEL = 1, 2
STARTED, EXPIRED, CANCELLED = 1, 2, 3
REQUEST, REPLY = struct.Struct("<IIQQ"), struct.Struct("<IIQQQ")
TYPES = (message_type("Request{kind@0:u32,id@4:u32,delay_us@8:u64,period_us@16:u64}24"),
         message_type("Reply{kind@0:u32,id@4:u32,due_us@8:u64,at_cycles@16:u64,untold@24:u64}32"))
WAIT = 30  # seconds


def reply(channel, kind):
    """The next reply of that kind; late expiries are passed over."""
    while True:
        message = channel.recv(WAIT)
        if message is None or len(message) != REPLY.size:
            raise Failure("the service did not answer" if message is None else "no timer service")
        found, _, due_us, _, untold = REPLY.unpack(message)
        if found == kind:
            return due_us, untold
        if found != EXPIRED:
            raise Failure(f"the service refused (reply {found})")


def run(channel, period_us, count):
    channel.send(REQUEST.pack(START, 1, period_us, period_us))
    reply(channel, STARTED)
    print(f"started, every {period_us} us", flush=True)
    first = None
    for expiry in range(1, count + 1):
        due_us, untold = reply(channel, EXPIRED)
        first = due_us if first is None else first
        print(f"expiry {expiry} at +{due_us - first} us, {untold} untold", flush=True)
    channel.send(REQUEST.pack(CANCEL, 1, 0, 0))
    reply(channel, CANCELLED)
    print("cancelled")


def main(path, period_us="100000", count="10", service="timer"):
    try:
        kind = Hosted if stat.S_ISSOCK(os.stat(path).st_mode) else Kernel
        channel = kind(path, service.encode(), TYPES)
        try:
            run(channel, int(period_us), int(count))
        finally:
            channel.close()
    except (Failure, OSError) as error:
        sys.exit(f"timer.py: {path}: {error}")


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
