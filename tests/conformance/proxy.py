"""Lets clients that insist on https and on the platforms' own host names reach the simulators.

It ends TLS with a certificate of our own authority, which the clients are told to trust by their own settings, and passes
requests and answers on as they are: no header is added, nothing of a body is read. There are two ways in: as a proxy (CONNECT,
for HTTPS_PROXY) and as the host itself (for clients with a setting for their connection).

Usage: proxy.py CERTIFICATE KEY BIGCOMMERCE_URL BRIGHTPEARL_URL; prints both ports as JSON.
"""

import http.client
import http.server
import json
import ssl
import sys
import threading
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "upgrade"}
# The API's address before `public-api`; the platform still takes it from old clients.
LEGACY_PATH, PATH = "/2.0.0/", "/public-api/"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    context: ssl.SSLContext
    targets: dict[str, str]

    def do_CONNECT(self) -> None:
        self.send_response_only(200, "Connection established")
        self.end_headers()
        self.wfile.flush()
        self.take_tls()

    def take_tls(self) -> None:
        self.connection = self.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.close_connection = False

    def pass_on(self) -> None:
        host = self.headers.get("Host", "").split(":")[0]
        target = next((url for name, url in self.targets.items() if host == name or host.endswith("." + name)), None)
        if target is None:
            self.send_error(502, f"{host} is not simulated")
            return
        path = self.path.replace(LEGACY_PATH, PATH, 1) if self.path.startswith(LEGACY_PATH) else self.path
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        upstream = http.client.HTTPConnection(urlsplit(target).netloc, timeout=30)
        upstream.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP_BY_HOP:
                upstream.putheader(name, value)
        upstream.endheaders(body or None)
        answer = upstream.getresponse()
        content = answer.read()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
        upstream.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = pass_on

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class TlsHandler(Handler):
    def setup(self) -> None:
        super().setup()
        self.take_tls()


def main() -> None:
    certificate, key, bigcommerce, brightpearl = sys.argv[1:]
    Handler.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    Handler.context.load_cert_chain(certificate, key)
    Handler.targets = {"bigcommerce.com": bigcommerce, "brightpearl.com": brightpearl, "brightpearlconnect.com": brightpearl}
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (Handler, TlsHandler)]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy, tls = (server.server_address[1] for server in servers)
    print(json.dumps({"proxy": proxy, "tls": tls}), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
