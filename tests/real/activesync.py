"""A telephone that speaks Exchange ActiveSync 14.1, to whatever server there is.

Commands are elements of wbxml.py. The query comes in both forms that MS-ASHTTP 2.2.1.1.1
knows: words (Cmd=Sync&User=...), or bytes in base64.
"""

import base64
import http.client
import socket
import ssl
import struct
from urllib.parse import quote

from wbxml import Element as E
from wbxml import decode, encode

PATH = "/Microsoft-Server-ActiveSync"
WBXML, RFC822 = "application/vnd.ms-sync.wbxml", "message/rfc822"
VERSION = "14.1"
# MS-ASHTTP 2.2.1.1.1.1.2: the codes of commands in a query of bytes.
CODES = {
    "Sync": 0,
    "SendMail": 1,
    "SmartForward": 2,
    "SmartReply": 3,
    "GetAttachment": 4,
    "FolderSync": 9,
    "FolderCreate": 10,
    "FolderDelete": 11,
    "FolderUpdate": 12,
    "MoveItems": 13,
    "GetItemEstimate": 14,
    "MeetingResponse": 15,
    "Search": 16,
    "Settings": 17,
    "Ping": 18,
    "ItemOperations": 19,
    "Provision": 20,
    "ResolveRecipients": 21,
    "ValidateCert": 22,
}
# MS-ASHTTP 2.2.1.1.1.1.3: the codes of what else a command is told in its query.
PARAMETERS = {"AttachmentName": 0, "CollectionId": 1, "ItemId": 3, "LongId": 4, "Occurrence": 6, "Options": 7, "User": 8}
SAVE_IN_SENT, ACCEPT_MULTIPART = 0x01, 0x02
LOCALE = 0x0409
# MS-ASCMD 2.2.3.186.3: kinds of folders.
INBOX, DRAFTS, TRASH, SENT, TASKS, CALENDAR, CONTACTS = "2", "3", "4", "5", "7", "8", "9"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def document(self):
        return decode(self.body) if self.body else None


class Phone:
    """One device of one user. `binary` says which form of the query it uses."""

    def __init__(self, port, host, authority, user, password, device="TESTPHONE0001", kind="SmartPhone", binary=False):
        self.user, self.device, self.kind, self.binary = user, device, kind, binary
        self.login = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.policy_key = 0
        self.folder_key = "0"
        self.keys = {}  # a folder's id: its synchronisation key
        self.host = host if port == 443 else f"{host}:{port}"
        self._connection = _Connection(port, host, authority)

    def close(self):
        self._connection.close()

    # --- requests

    def options(self):
        return self._send("OPTIONS", PATH, None, {})

    def post(self, command, document=None, body=None, type_=WBXML, deadline=90, **parameters):
        """Sends a command and returns the Answer; `document` is an Element, `body` bytes of another type."""
        if document is not None:
            body = encode(document)
        if self.binary:
            headers, query = {}, self._query_of_bytes(command, parameters)
        else:
            headers, query = self._headers_of_words(parameters), self._query_of_words(command, parameters)
        if body:
            headers["Content-Type"] = type_
        return self._send("POST", f"{PATH}?{query}", body or b"", headers, deadline)

    def _headers_of_words(self, parameters):
        """What a query of bytes holds and one of words does not (MS-ASHTTP 2.2.1.1.2)."""
        headers = {"MS-ASProtocolVersion": VERSION, "X-MS-PolicyKey": str(self.policy_key)}
        if parameters.pop("multipart", False):
            headers["MS-ASAcceptMultiPart"] = "T"
        return headers

    def _query_of_words(self, command, parameters):
        words = {"Cmd": command, "User": self.user, "DeviceId": self.device, "DeviceType": self.kind, **parameters}
        return "&".join(f"{name}={quote(value, safe='')}" for name, value in words.items())

    def _query_of_bytes(self, command, parameters):
        """MS-ASHTTP 2.2.1.1.1.1: version, command, locale, device, policy key, kind, parameters."""
        words = dict(parameters)
        options = SAVE_IN_SENT if words.pop("SaveInSent", None) == "T" else 0
        options |= ACCEPT_MULTIPART if words.pop("multipart", False) else 0
        out = struct.pack("<BBH", round(float(VERSION) * 10), CODES[command], LOCALE)
        out += _counted(self.device.encode()) + _counted(struct.pack("<I", self.policy_key))
        out += _counted(self.kind.encode())
        for name, value in words.items():
            out += bytes([PARAMETERS[name]]) + _counted(value.encode())
        if options:
            out += bytes([PARAMETERS["Options"]]) + _counted(bytes([options]))
        return base64.b64encode(out).decode()

    def _send(self, method, target, body, headers, deadline=90):
        headers = {"Host": self.host, "Authorization": self.login, "User-Agent": "TestPhone/14.1", **headers}
        return self._connection.ask(method, target, body, headers, deadline)

    def command(self, name, document=None, **how):
        """As post(), for a command that has to be carried out; returns the answer's document."""
        answer = self.post(name, document, **how)
        assert answer.status == 200, f"{name}: {answer.status} {answer.body[:300]!r}"
        return answer.document

    # --- what a telephone does

    def provision(self):
        """Fetches the policy and says that it is kept; returns the key for all that follows."""
        policy = E("Provision:PolicyType", "MS-EAS-Provisioning-WBXML")
        found = self.command("Provision", _provision(policy))
        key = found.value("Provision:PolicyKey")
        if key is not None:
            known = [E("Provision:PolicyKey", key), E("Provision:Status", "1")]
            found = self.command("Provision", _provision(policy, *known))
            self.policy_key = int(found.value("Provision:PolicyKey"))
        return self.policy_key

    def sync_folders(self):
        """{kind: id} of the folders, the first of each kind."""
        found = self.command(
            "FolderSync", E("FolderHierarchy:FolderSync", E("FolderHierarchy:SyncKey", self.folder_key))
        )
        assert found.value("FolderHierarchy:Status") == "1"
        self.folder_key = found.value("FolderHierarchy:SyncKey")
        folders = {}
        for folder in found.all("FolderHierarchy:Add"):
            folders.setdefault(folder.value("FolderHierarchy:Type"), folder.value("FolderHierarchy:ServerId"))
        return folders

    def sync(self, folder, *commands, kind=None, options=(), deadline=90):
        """One exchange about a folder; the answer's document, or None when nothing is new."""
        key = self.keys.get(folder, "0")
        parts = [E("AirSync:SyncKey", key), E("AirSync:CollectionId", folder)]
        if kind:
            parts.insert(0, E("AirSync:Class", kind))
        if key != "0":
            parts += [E("AirSync:DeletesAsMoves", "1"), E("AirSync:GetChanges"), E("AirSync:WindowSize", "50")]
            parts += [E("AirSync:Options", *options)] if options else []
            parts += [E("AirSync:Commands", *commands)] if commands else []
        found = self.command(
            "Sync", E("AirSync:Sync", E("AirSync:Collections", E("AirSync:Collection", *parts))), deadline=deadline
        )
        if found is not None:
            assert found.value("AirSync:Status", "1") == "1", found
            self.keys[folder] = found.value("AirSync:SyncKey", key)
        return found

    def fetch_all(self, folder, **how):
        """As items_of(), of a whole folder."""
        self.keys.pop(folder, None)
        self.sync(folder, **how)
        items = []
        while True:
            found = self.sync(folder, **how)
            new = [] if found is None else items_of(found)
            items += new
            if not new:
                return items

    def ping(self, seconds, **folders):
        """A long poll over folders, {kind: id}; returns the status, and the ids that have news."""
        folders = [E("Ping:Folder", E("Ping:Id", id_), E("Ping:Class", kind)) for kind, id_ in folders.items()]
        parts = [E("Ping:HeartbeatInterval", str(seconds))] + ([E("Ping:Folders", *folders)] if folders else [])
        found = self.command("Ping", E("Ping:Ping", *parts), deadline=seconds + 60)
        return found.value("Ping:Status"), [folder.text for folder in found.all("Ping:Folder")]

    def send_mail(self, message, number):
        answer = self.command(
            "SendMail",
            E(
                "ComposeMail:SendMail",
                E("ComposeMail:ClientId", str(number)),
                E("ComposeMail:SaveInSentItems"),
                E("ComposeMail:Mime", message),
            ),
        )
        assert answer is None, answer

    def search_mail(self, folder, text):
        """Ids of the messages of a folder that hold the text."""
        query = E(
            "Search:And", E("AirSync:Class", "Email"), E("AirSync:CollectionId", folder), E("Search:FreeText", text)
        )
        return self._search("Mailbox", E("Search:Query", query), E("Search:DeepTraversal")).all("Search:LongId")

    def search_people(self, text):
        """Addresses of the people whose names hold the text."""
        found = self._search("GAL", E("Search:Query", text))
        return [address.text for address in found.all("GAL:EmailAddress")]

    def _search(self, store, query, *options):
        options = E("Search:Options", *options, E("Search:Range", "0-9"))
        found = self.command("Search", E("Search:Search", E("Search:Store", E("Search:Name", store), query, options)))
        assert found.value("Search:Status") == "1", found
        return found

    def fetch_item(self, folder, item, **how):
        """A message, whole, by ItemOperations."""
        fetch = E(
            "ItemOperations:Fetch",
            E("ItemOperations:Store", "Mailbox"),
            E("AirSync:CollectionId", folder),
            E("AirSync:ServerId", item),
            E(
                "ItemOperations:Options",
                E("AirSync:MIMESupport", "2"),
                E("AirSyncBase:BodyPreference", E("AirSyncBase:Type", "4")),
            ),
        )
        return self.post("ItemOperations", E("ItemOperations:ItemOperations", fetch), **how)

    def fetch_file(self, reference):
        """An attachment by the reference that Sync gave for it."""
        fetch = E(
            "ItemOperations:Fetch", E("ItemOperations:Store", "Mailbox"), E("AirSyncBase:FileReference", reference)
        )
        return self.command("ItemOperations", E("ItemOperations:ItemOperations", fetch))


def items_of(found):
    """[(the server's id, its data)] of what an answer to Sync adds."""
    return [(new.value("AirSync:ServerId"), new.find("AirSync:ApplicationData")) for new in found.all("AirSync:Add")]


class _Connection:
    """Keep-alive to 127.0.0.1, with the certificate of `host` verified."""

    def __init__(self, port, host, authority):
        self._context = ssl.create_default_context(cafile=authority)
        self._port, self._host, self._http = port, host, None

    def close(self):
        if self._http is not None:
            self._http.close()
            self._http = None

    def ask(self, method, target, body, headers, deadline):
        if self._http is None:
            self._http = http.client.HTTPConnection(self._host, self._port)
            plain = socket.create_connection(("127.0.0.1", self._port))
            self._http.sock = self._context.wrap_socket(plain, server_hostname=self._host)
        self._http.sock.settimeout(deadline)
        self._http.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        if body is not None:
            headers = {**headers, "Content-Length": str(len(body))}
        for name, value in headers.items():
            self._http.putheader(name, value)
        self._http.endheaders(body)
        response = self._http.getresponse()
        answer = Answer(response)
        if response.will_close:
            self.close()
        return answer


def _counted(value):
    return bytes([len(value)]) + value


def _provision(*policy):
    return E("Provision:Provision", E("Provision:Policies", E("Provision:Policy", *policy)))
