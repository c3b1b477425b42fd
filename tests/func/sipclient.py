# SPDX-License-Identifier: BSD-3-Clause
"""A SIP user agent over TLS that does what it is told, right or wrong: for the functional tests."""
import base64
import hashlib
import json
import os
import re
import secrets
import socket
import ssl
import subprocess
import sys
import tempfile
import time

DOMAIN = "example.org"


def check(what, actual, expected):
    """Ends the test unless actual is expected (a value, or a set of which it is one)."""
    good = actual in expected if isinstance(expected, set) else actual == expected
    if not good:
        sys.exit(f"FAIL: {what}: {actual!r}, expected {expected!r}")
    print(f"ok: {what}: {actual!r}", flush=True)


def aor(user):
    return f"sip:{user}@{DOMAIN}"


class Message:
    """A request or response as it came: first line, headers by lower-case name, body."""

    def __init__(self, head, body):
        lines = re.sub(r"\r\n[ \t]+", " ", head.decode()).split("\r\n")
        self.first, self.body, self.text = lines[0], body, head + b"\r\n\r\n" + body
        self.headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            self.headers.setdefault(name.strip().lower(), value.strip())
        word = self.first.split(" ")
        self.status = int(word[1]) if word[0] == "SIP/2.0" else None
        self.method = word[0] if self.status is None else self.headers["cseq"].split()[1]

    def json(self):
        return json.loads(self.body)


class Certificate:
    """A self-signed EC P-256 certificate of its own, as an agent makes one."""

    def __init__(self, path=None):
        self.path = path or tempfile.mkdtemp(dir=os.environ.get("SIP_TMP")) + "/own"
        if not os.path.exists(self.path + ".crt"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                            "-nodes", "-days", "2", "-subj", "/CN=test", "-keyout", self.path + ".key",
                            "-out", self.path + ".crt"], check=True, capture_output=True)
        with open(self.path + ".crt") as f:
            der = ssl.PEM_cert_to_DER_cert(f.read())
        self.fingerprint = base64url(hashlib.sha256(der).digest())


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Connection:
    """One TLS connection. Without `ca` the other side's certificate is not checked."""
    closed = False

    def __init__(self, address, certificate=None, ca=None):
        self.host, port = address.rsplit(":", 1)
        self.host = self.host.strip("[]")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED if ca else ssl.CERT_NONE
        if ca:
            context.load_verify_locations(ca)
        if certificate:
            context.load_cert_chain(certificate.path + ".crt", certificate.path + ".key")
        if "SSLKEYLOGFILE" in os.environ:
            context.keylog_filename = os.environ["SSLKEYLOGFILE"]
        plain = socket.create_connection((self.host, int(port)), timeout=10)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = context.wrap_socket(plain)
        local = self.tls.getsockname()
        self.sent_by = f"[{local[0]}]:{local[1]}" if ":" in local[0] else f"{local[0]}:{local[1]}"
        self.buffer = b""
        self.all = b""  # every byte that came

    def close(self):
        self.tls.close()

    def send(self, data):
        self.tls.sendall(data)

    def receive(self, timeout=10):
        """The next message, or None when the other side has closed or said nothing in time."""
        end = time.monotonic() + timeout
        while True:
            self.buffer = self.buffer.lstrip(b"\r\n")
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if found:
                length = int(re.search(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*(\d+)", head, re.I)[1])
                if len(rest) >= length:
                    self.buffer = rest[length:]
                    return Message(head, rest[:length])
            self.tls.settimeout(max(end - time.monotonic(), 0.001))
            try:
                data = self.tls.recv(65536)
            except TimeoutError:
                return None
            except (ssl.SSLError, ConnectionError):
                data = b""
            if not data:
                self.closed = True
                return None
            self.buffer += data
            self.all += data

    def build(self, method, uri, sender, to, headers=(), body="", call_id=None, cseq=1, to_tag=None,
              from_tag=None):
        lines = [f"{method} {uri} SIP/2.0",
                 f"Via: SIP/2.0/TLS {self.sent_by};branch=z9hG4bK{secrets.token_hex(8)}",
                 "Max-Forwards: 70",
                 f"From: <{sender}>;tag={from_tag or secrets.token_hex(8)}",
                 f"To: <{to}>" + (f";tag={to_tag}" if to_tag else ""),
                 f"Call-ID: {call_id or secrets.token_hex(8)}",
                 f"CSeq: {cseq} {method}",
                 *headers, f"Content-Length: {len(body.encode())}"]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def request(self, *args, timeout=10, seen=None, **named):
        """Sends a request; its final response, or None. `seen` gets the provisional ones' status."""
        self.send(self.build(*args, **named))
        while message := self.receive(timeout):
            if message.status and message.status >= 200:
                return message
            if message.status and seen is not None:
                seen.append(message.status)
        return None

    def answer(self, request, status="200 OK", headers=(), body=""):
        """Answers a request that came."""
        lines = [f"SIP/2.0 {status}"]
        for name in ("via", "from", "to", "call-id", "cseq"):
            value = request.headers[name]
            if name == "to" and "tag=" not in value:
                value += ";tag=" + secrets.token_hex(8)
            lines.append(f"{name.title()}: {value}")
        lines += [*headers, f"Content-Length: {len(body.encode())}"]
        self.send(("\r\n".join(lines) + "\r\n\r\n" + body).encode())


def authorization(challenge, user, password, method="REGISTER", uri=f"sip:{DOMAIN}", nc=1, cnonce=None):
    """The Authorization header for a WWW-Authenticate value (RFC 7616, SHA-256)."""
    field = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge))

    def sha(text):
        return hashlib.sha256(text.encode()).hexdigest()

    cnonce = cnonce or secrets.token_hex(8)
    ha1, ha2 = sha(f"{user}:{field['realm']}:{password}"), sha(f"{method}:{uri}")
    response = sha(f"{ha1}:{field['nonce']}:{nc:08x}:{cnonce}:auth:{ha2}")
    return (f'Authorization: Digest username="{user}", realm="{field["realm"]}", nonce="{field["nonce"]}", '
            f'uri="{uri}", response="{response}", algorithm=SHA-256, qop=auth, nc={nc:08x}, cnonce="{cnonce}"')


class Endpoint:
    """A user, with its certificate and its connection to the access server."""

    def __init__(self, user, password, server, certificate=None, ca=None, contact=None):
        self.user, self.password, self.aor = user, password, aor(user)
        self.certificate = certificate or Certificate()
        self.server = Connection(server, self.certificate, ca)
        self.call_id, self.cseq = secrets.token_hex(8), 0
        self.contact = f"sip:{user}@{contact or self.server.sent_by};transport=tls"
        self.body = None

    def register(self, expires=600, headers=()):
        """A REGISTER; the final response."""
        self.cseq += 1
        return self.server.request(
            "REGISTER", f"sip:{DOMAIN}", self.aor, self.aor, call_id=self.call_id, cseq=self.cseq,
            headers=[f"Contact: <{self.contact}>", f"Expires: {expires}", *headers])

    def login(self, expires=600):
        """Both REGISTERs; the final response, whose body is kept."""
        challenge = self.register(expires)
        if challenge is None or challenge.status != 401:
            return challenge
        header = authorization(challenge.headers["www-authenticate"], self.user, self.password)
        response = self.register(expires, [header])
        if response is not None and response.status == 200 and expires:
            self.body = response.json()
        return response

    def route(self, peer):
        return next((r for r in self.body["routes"] if r["aor"] == aor(peer)), None)

    def profile(self):
        return {p["aor"]: p["status"] for p in self.body["profile"]}

    def publish(self, connection, peer, token=None, contact=None, basic="open", expires=600, sender=None):
        """Notifies a peer over a connection to it; the response."""
        return connection.request(
            "PUBLISH", aor(peer), sender or self.aor, aor(peer), timeout=5,
            headers=[*bearer(self.body["token"] if token is None else token), "Event: presence",
                     f"Expires: {expires}", "Content-Type: application/pidf+xml"],
            body=pidf(sender or self.aor, contact or self.contact, basic))

    def invite(self, connection, peer, token=None, seen=None, address="10.77.0.3:20000", sender=None):
        return connection.request(
            "INVITE", aor(peer), sender or self.aor, aor(peer), timeout=5, seen=seen,
            headers=[*bearer(self.body["token"] if token is None else token), f"Contact: <{self.contact}>",
                     "Content-Type: application/sdp"],
            body=offer(address))


def bearer(token):
    return [f"Authorization: Bearer {token}"] if token else []


def pidf(entity, contact, basic="open"):
    return ('<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="urn:ietf:params:xml:ns:pidf" '
            f'entity="{entity}"><tuple id="t1"><status><basic>{basic}</basic></status>'
            f"<contact>{contact}</contact></tuple></presence>\n")


def offer(address):
    host, port = address.rsplit(":", 1)
    key = base64.b64encode(secrets.token_bytes(28)).decode()
    return (f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/SAVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\na=rtcp-mux\r\n"
            f"a=crypto:1 AEAD_AES_128_GCM inline:{key}\r\n")


def decode_token(token):
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def sign_token(header, claims, key_path):
    """A JWT signed with ES256 by the key in a PEM file; without a key: not signed."""
    text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    if key_path is None:
        return text + "."
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key_path], input=text.encode(), check=True,
                         capture_output=True).stdout
    # SEQUENCE { INTEGER r, INTEGER s }
    r = der[4:4 + der[3]]
    s = der[6 + der[3]:]
    return text + "." + base64url(b"".join(int.from_bytes(n, "big").to_bytes(32, "big") for n in (r, s)))
