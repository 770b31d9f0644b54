"""An upstream with the habits of HTTP.sys and IIS, as far as a proxy in front meets them.

Each habit names the Microsoft document that it was taken from (on learn.microsoft.com):
[cache]   HTTP Server API, "Credential Caching on NTLM KA Connections"
[windows] IIS configuration, windowsAuthentication: authPersistSingleRequest, authPersistNonNTLM
[N2HT]    MS-N2HT 3.2.5, the Persistent-Auth field
[times]   HTTP Server API, "Server Timeouts Property": IdleConnection, DrainEntityBody, 120 s each
[zip]     IIS configuration, httpCompression: noCompressionForProxies
[limits]  IIS configuration, requestLimits: maxAllowedContentLength (404.13)
"""

import base64
import gzip

from actors import Upstream
from wire import DEADLINE, lines, reply

CHALLENGES = [("WWW-Authenticate", "Negotiate"), ("WWW-Authenticate", "NTLM")]


def token(text):
    return base64.b64encode(text.encode()).decode()


def leg(scheme, text):
    """The field of a client: "hello", then "I am NAME"; or "ticket of NAME" (Kerberos)."""
    return ("Authorization", f"{scheme} {token(text)}")


class Log:
    """What was seen of one request."""

    def __init__(self, head, status, user, connection):
        self.head, self.status, self.user, self.connection = head, status, user, connection


class HttpSys(Upstream):
    """`idle`: seconds before an idle connection is closed. `largest`: the longest body that it
    takes. `persist_kerberos`: authPersistNonNTLM. `zip_for_proxies` False: noCompressionForProxies."""

    def __init__(self, pki, idle=DEADLINE, largest=1 << 20, persist_kerberos=False, zip_for_proxies=False, **options):
        self.idle, self.largest = idle, largest
        self.persist_kerberos, self.zip_for_proxies = persist_kerberos, zip_for_proxies
        self.log = []
        super().__init__(pki, **options)

    @property
    def statuses(self):
        return [entry.status for entry in self.log]

    def _serve(self, connection):
        """Instead of one request after the other: each is answered when its head is there."""
        user = begun = None
        try:
            while True:
                connection.stream.sock.settimeout(self.idle)  # [times] IdleConnection
                head = connection.read_head()
                connection.stream.sock.settimeout(DEADLINE)  # [times] DrainEntityBody
                known, begun, challenge = self._authenticate(head, user, begun)
                if not self._answer(connection, head, known, challenge):
                    break
                user = self._remembered(head, known, user)
        except OSError:
            pass
        except Exception as error:
            self.errors.append(repr(error))
        finally:
            connection.close()
            self._forget(connection.stream)

    def _authenticate(self, head, user, begun):
        """(who it is, the scheme whose dialogue has begun on this connection, what is asked next)"""
        scheme, _, proof = (head.get("Authorization") or "").partition(" ")
        if not proof:
            return user, None, None
        said = base64.b64decode(proof).decode()
        if said == "hello":
            return None, scheme, [("WWW-Authenticate", f"{scheme} {token('prove it')}")]
        if said.startswith("ticket of "):
            return said.removeprefix("ticket of "), None, None
        if begun == scheme:  # the dialogue belongs to the connection, as does its end
            return said.removeprefix("I am "), None, None
        return None, None, None

    def _remembered(self, head, known, user):
        if head.all("Via"):
            return None  # [cache] nothing is kept of what a proxy sends
        if (head.get("Authorization") or "").endswith(token(f"ticket of {known}")) and not self.persist_kerberos:
            return user  # [windows] each Kerberos request by itself
        return known

    def _answer(self, connection, head, known, challenge):
        """False: the connection ends with it."""
        length = int(head.get("Content-Length") or 0)
        status = 404 if length > self.largest else 200 if known else 401  # [limits]
        self.log.append(Log(head, status, known, connection))
        if status == 404:
            connection.send(reply(404, b"404.13", [("Connection", "close")]))
            return False
        if status == 401:  # at the head, and whatever was expected: then the body is drained [times]
            connection.send(reply(401, b"401.2" if challenge is None else b"401.1", challenge or CHALLENGES))
            connection.read_body(head)
            return True
        if head.get("Expect"):
            connection.send(lines("HTTP/1.1 100 Continue", ""))
        connection.read_body(head)
        persists = self._remembered(head, known, None) is not None
        fields = [("Persistent-Auth", "true" if persists else "false")]  # [N2HT]
        body = f"mailbox of {known}, {len(head.body)}".encode()
        if "gzip" in (head.get("Accept-Encoding") or "") and (self.zip_for_proxies or not head.all("Via")):
            fields.append(("Content-Encoding", "gzip"))  # [zip]
            body = gzip.compress(body)
        connection.send(reply(200, body, fields))
        return True
