"""The process that runs a user's Python layers for Mokapot.

Requests come and replies go through file descriptor 3, one at a time: the length of a JSON header as 4 bytes, the header.
Their arrays of 32-bit floats lie in the file that is descriptor 4, one after the other, as raw bytes. What layers print goes
through descriptor 3 too, between the two. The end of stdin means that Mokapot is gone: then this process ends too, whatever the layer is doing.
"""

import json
import os
import struct
import sys
import threading

CHANNEL = 3
ARRAYS = 4
HERE = os.path.abspath(__file__)


sending = threading.Lock()


def send(header, arrays=()):
    header["arrays"] = [int(a.size) for a in arrays]
    text = json.dumps(header).encode("utf-8")
    if arrays:
        os.lseek(ARRAYS, 0, os.SEEK_SET)
    for a in arrays:
        write(ARRAYS, memoryview(a).cast("B") if a.size else b"")
    with sending:
        write(CHANNEL, struct.pack("<I", len(text)) + text)


def write(descriptor, data):
    done = 0
    while done < len(data):
        done += os.write(descriptor, data[done:])


if sys.version_info < (3, 6):
    send({"hello": True, "version": "%d.%d" % sys.version_info[:2], "lacks": "python3"})
    sys.exit(1)

try:
    import numpy
except ImportError as error:
    send({"hello": True, "version": sys.version.split()[0], "lacks": "numpy", "reason": str(error)})
    sys.exit(1)

import faulthandler  # noqa: E402
import io  # noqa: E402
import importlib  # noqa: E402
import importlib.util  # noqa: E402
import random  # noqa: E402
import signal  # noqa: E402
import traceback  # noqa: E402

sys.path[0] = os.path.dirname(os.path.dirname(HERE))

import caffe  # noqa: E402


def read(count):
    """So many bytes of the channel. Ends the process where Mokapot has closed it."""
    data = b""
    while len(data) < count:
        piece = os.read(CHANNEL, count - len(data))
        if not piece:
            sys.exit(0)
        data += piece
    return data


def receive():
    header = json.loads(read(struct.unpack("<I", read(4))[0]).decode("utf-8"))
    os.lseek(ARRAYS, 0, os.SEEK_SET)
    return header


arrays_file = io.FileIO(ARRAYS, "r+", closefd=False)


def receive_array(target):
    """Fills a contiguous array with the next numbers of the request."""
    view = memoryview(target.reshape(-1)).cast("B") if target.size else b""
    done = 0
    while done < len(view):
        done += arrays_file.readinto(view[done:])


class Printed(io.TextIOBase):
    """What layers print, line by line to Mokapot; from processes that a layer starts, to where stdout led."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.owner = os.getpid()
        self.rest = ""

    def writable(self):
        return True

    def fileno(self):
        return self.descriptor

    def write(self, text):
        lines, newline, self.rest = (self.rest + text).rpartition("\n")
        self.tell_lines(lines + newline)
        return len(text)

    def flush(self):
        pass

    def end(self):
        """A line that has no end yet is told as one."""
        if self.rest:
            self.write("\n")

    def tell_lines(self, text):
        if text and os.getpid() == self.owner:
            send({"printed": text})
        elif text:
            os.write(self.descriptor, text.encode("utf-8", "replace"))


class Failure(Exception):
    """Something that the user is told as it stands."""

    def __init__(self, kind, **more):
        Exception.__init__(self, kind)
        self.reply = dict(more, kind=kind)


class Host(object):
    """One layer: the user's object and its blobs."""

    def __init__(self, request):
        self.bottoms = [caffe.Blob(*shape) for shape in request["bottoms"]]
        self.tops = [self.bottoms[at] if at >= 0 else caffe.Blob() for at in request["same"]]
        cls = find_class(request)
        self.layer = cls(caffe.LayerParameter(request["name"]))
        self.layer.param_str = request["param_str"]
        self.layer.phase = caffe.Phase(request["phase"])
        self.layer.blobs = caffe.BlobVec()
        self.given = []
        self.layer.setup(self.bottoms, self.tops)

    @property
    def blobs(self):
        return self.layer.blobs

    def shapes(self):
        return {"tops": [list(b.shape) for b in self.tops], "blobs": [list(b.shape) for b in self.blobs]}

    def reshape(self, request):
        for blob, shape in zip(self.bottoms, request["bottoms"]):
            blob.reshape(*shape)
        for blob in self.bottoms:
            receive_array(blob.data)
        self.given = [numpy.empty(shape, numpy.float32) for shape in request["blobs"]]
        for given in self.given:
            receive_array(given)
        for blob, given in zip(self.blobs, self.given):
            blob.data[...] = given
        for blob, shape in zip(self.tops, request["tops"]):
            if blob not in self.bottoms:
                blob.reshape(*shape)
        self.layer.reshape(self.bottoms, self.tops)
        blobs = [blob.data for blob in self.blobs] if request["first"] else []
        return self.shapes(), blobs

    def forward(self, _):
        self.layer.forward(self.bottoms, self.tops)
        changed = [i for i, given in enumerate(self.given) if not same(self.blobs[i].data, given)]
        reply = dict(self.shapes(), changed=changed)
        return reply, [top.data for top in self.tops] + [self.blobs[i].data for i in changed]

    def backward(self, request):
        for bottom in self.bottoms:
            bottom.diff[...] = 0
        for top in self.tops:
            receive_array(top.diff)
        for blob in self.blobs:
            blob.diff[...] = 0
        propagate = request["propagate"]
        self.layer.backward(self.tops, propagate, self.bottoms)
        wanted = [bottom.diff for bottom, asked in zip(self.bottoms, propagate) if asked]
        return {}, wanted + [blob.diff for blob in self.blobs]


def same(a, b):
    return a.shape == b.shape and a.tobytes() == b.tobytes()


loaded = {}


def find_class(request):
    module = find_module(request)
    cls = getattr(module, request["layer"], None)
    if isinstance(cls, type):
        return cls
    names = [k for k, v in vars(module).items() if isinstance(v, type) and issubclass(v, caffe.Layer) and v is not caffe.Layer]
    raise Failure("no-class", names=names)


def find_module(request):
    """The module of the file, as if `import` had found it there; loaded once."""
    name, path = request["module"], request["file"]
    if path in loaded:
        return loaded[path]
    for place in reversed(request["places"]):
        if place not in sys.path:
            sys.path.insert(1, place)
    if "." in name:
        module = importlib.import_module(name)
    else:
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        # A file that is named like a module in use (random.py) must not take its place.
        register = name not in sys.modules
        if register:
            sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            if register:
                del sys.modules[name]
            raise
    loaded[path] = module
    return module


def told(error):
    """An exception for the reply: its type and text, and its traceback without this file's own lines."""
    whole = traceback.TracebackException(type(error), error, error.__traceback__)
    part = whole
    while part is not None:
        if part.stack is not None:
            part.stack = traceback.StackSummary.from_list(
                [f for f in part.stack if f.filename != HERE and not f.filename.startswith("<frozen importlib")]
            )
        part = part.__cause__ or part.__context__
    return {
        "kind": "exception",
        "type": type(error).__name__,
        "message": str(error),
        "trace": "".join(whole.format()).rstrip(),
    }


def watch_stdin():
    """Waits for the end of stdin, which comes with the end of Mokapot; then ends this process and all that it started."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    while os.read(0, 1024):
        pass
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


def guard():
    """Sees to it that nothing outlives Mokapot, and that a layer that hangs can say where."""
    if sys.platform.startswith("linux"):
        try:
            import ctypes

            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        except (OSError, AttributeError, ImportError):
            pass
    faulthandler.enable(2)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, 2, all_threads=False)
    threading.Thread(target=watch_stdin, daemon=True).start()
    sys.stdin = open(os.devnull)
    sys.stdout, sys.stderr = Printed(1), Printed(2)


def answer(request, hosts):
    """The reply to one request."""
    op, at = request["op"], request["id"]
    if op == "create":
        hosts[at] = Host(request)
        reply = dict(hosts[at].shapes(), backward=callable(getattr(hosts[at].layer, "backward", None)))
        return reply, [blob.data for blob in hosts[at].blobs]
    return {"reshape": Host.reshape, "forward": Host.forward, "backward": Host.backward}[op](hosts[at], request)


def main():
    guard()
    send({"hello": True, "version": sys.version.split()[0], "numpy": numpy.__version__})
    hosts = {}
    while True:
        request = receive()
        if request["op"] == "end":
            return
        if request["op"] == "seed":
            random.seed(request["seed"])
            numpy.random.seed(request["seed"])
            continue
        try:
            reply, arrays = answer(request, hosts)
        except Failure as failure:
            reply, arrays = {"error": failure.reply}, []
        except BaseException as error:
            reply, arrays = {"error": told(error)}, []
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, Printed):
                stream.end()
        send(reply, [numpy.ascontiguousarray(a) for a in arrays])


if __name__ == "__main__":
    main()
