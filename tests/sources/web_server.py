"""A web server of the test's own on 127.0.0.1, that sends what it is told in the way that it is told."""

import base64
import contextlib
import http.server
import threading


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.server.asked.append(self.path)
            self.server.pages[self.path.partition("?")[0]](self)

    def begin(self, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()


class WebServer(http.server.ThreadingHTTPServer):
    """Pages are callables that are given the request's handler; see the makers below."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages, self.asked = {}, []
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.over = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.over.set()
        self.shutdown()
        self.server_close()


def whole(data, kind="application/octet-stream", length=None, **headers):
    """Send data with a stated length: its own, unless another is given."""

    def page(request):
        request.begin(Content_Type=kind, Content_Length=len(data) if length is None else length, **headers)
        request.wfile.write(data)

    return page


def ranges(data):
    """Send data, or the part of it that is asked for."""

    def page(request):
        asked = request.headers.get("Range")
        if not asked:
            request.begin(Content_Length=len(data), Accept_Ranges="bytes")
            request.wfile.write(data)
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        begin, end = int(first), int(last) if last else len(data) - 1
        request.begin(206, Content_Length=end + 1 - begin, Content_Range=f"bytes {begin}-{end}/{len(data)}")
        request.wfile.write(data[begin : end + 1])

    return page


def chunked(data):
    """Send data in chunks, without stating a length."""

    def page(request):
        request.begin(Transfer_Encoding="chunked")
        for at in range(0, len(data), 4096):
            part = data[at : at + 4096]
            request.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        request.wfile.write(b"0\r\n\r\n")

    return page


def until_closed(data):
    """Send data; its end is that of the connection."""

    def page(request):
        request.begin()
        request.wfile.write(data)

    return page


def moved(to):
    return lambda request: request.begin(302, Location=to, Content_Length=0)


def behind_password(page, user, password):
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def guarded(request):
        if request.headers.get("Authorization") == wanted:
            page(request)
        else:
            request.begin(401, WWW_Authenticate='Basic realm="camera"', Content_Length=0)

    return guarded


def endless(parts, kind, pause_s=0.01, first=b""):
    """Send parts one after the other, over and over again, as a camera does."""

    def page(request):
        request.begin(Content_Type=kind)
        request.wfile.write(first)
        while True:
            for part in parts:
                request.wfile.write(part)
                if request.server.over.wait(pause_s):
                    return

    return page
