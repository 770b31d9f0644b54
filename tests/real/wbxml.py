"""ActiveSync's binary XML: elements to bytes and back (MS-ASWBXML).

An element is named PAGE:TAG, as in "AirSync:SyncKey". What the tables lack is read as
PAGE:0xNN and cannot be written.
"""

HEAD = b"\x03\x01\x6a\x00"  # WBXML 1.3, no public identifier, UTF-8, no table of strings
SWITCH_PAGE, END, STRING, OPAQUE = 0x00, 0x01, 0x03, 0xC3
HAS_CONTENT, HAS_ATTRIBUTES, FIRST_TAG = 0x40, 0x80, 0x05

# MS-ASWBXML 2.1.2.1: the tags of each code page in the order of their tokens, from 5 on.
PAGES = {
    0: "AirSync Sync Responses Add Change Delete Fetch SyncKey ClientId ServerId Status Collection Class - "
    "CollectionId GetChanges MoreAvailable WindowSize Commands Options FilterType Truncation - Conflict "
    "Collections ApplicationData DeletesAsMoves - Supported SoftDelete MIMESupport MIMETruncation Wait Limit "
    "Partial ConversationMode MaxItems HeartbeatInterval",
    1: "Contacts Anniversary AssistantName AssistantPhoneNumber Birthday - - - Business2PhoneNumber "
    "BusinessAddressCity BusinessAddressCountry BusinessAddressPostalCode BusinessAddressState "
    "BusinessAddressStreet BusinessFaxNumber BusinessPhoneNumber CarPhoneNumber Categories Category Children "
    "Child CompanyName Department Email1Address Email2Address Email3Address FileAs FirstName Home2PhoneNumber "
    "HomeAddressCity HomeAddressCountry HomeAddressPostalCode HomeAddressState HomeAddressStreet HomeFaxNumber "
    "HomePhoneNumber JobTitle LastName MiddleName MobilePhoneNumber",
    2: "Email - - - - - - - - - - DateReceived DisplayName DisplayTo Importance MessageClass Subject Read To Cc "
    "From ReplyTo AllDayEvent Categories Category DtStamp EndTime InstanceType BusyStatus Location "
    "MeetingRequest Organizer RecurrenceId Reminder ResponseRequested Recurrences Recurrence Type Until "
    "Occurrences Interval DayOfWeek DayOfMonth WeekOfMonth MonthOfYear StartTime Sensitivity TimeZone "
    "GlobalObjId ThreadTopic MIMEData MIMETruncated MIMESize InternetCPID Flag Status ContentClass FlagType "
    "CompleteTime DisallowNewTimeProposal",
    4: "Calendar Timezone AllDayEvent Attendees Attendee Email Name - - BusyStatus Categories Category - DtStamp "
    "EndTime Exception Exceptions Deleted ExceptionStartTime Location MeetingStatus OrganizerEmail "
    "OrganizerName Recurrence Type Until Occurrences Interval DayOfWeek DayOfMonth WeekOfMonth MonthOfYear "
    "Reminder Sensitivity Subject StartTime UID AttendeeStatus AttendeeType - - - - - - - - "
    "DisallowNewTimeProposal ResponseRequested AppointmentReplyTime ResponseType",
    5: "Move MoveItems Move SrcMsgId SrcFldId DstFldId Response Status DstMsgId",
    6: "GetItemEstimate GetItemEstimate - Collections Collection Class CollectionId - Estimate Response Status",
    7: "FolderHierarchy Folders Folder DisplayName ServerId ParentId Type - Status - Changes Add Delete Update "
    "SyncKey FolderCreate FolderDelete FolderUpdate FolderSync Count",
    8: "MeetingResponse CalendarId CollectionId MeetingResponse RequestId Request Result Status UserResponse",
    10: "ResolveRecipients ResolveRecipients Response Status Type Recipient DisplayName EmailAddress Certificates "
    "Certificate MiniCertificate Options To CertificateRetrieval RecipientCount MaxCertificates "
    "MaxAmbiguousRecipients CertificateCount Availability StartTime EndTime MergedFreeBusy",
    11: "ValidateCert ValidateCert Certificates Certificate CertificateChain CheckCRL Status",
    13: "Ping Ping AutdState Status HeartbeatInterval Folders Folder Id Class MaxFolders",
    14: "Provision Provision Policies Policy PolicyType PolicyKey Data Status RemoteWipe EASProvisionDoc "
    "DevicePasswordEnabled",
    15: "Search Search - Store Name Query Options Range Status Response Result Properties Total EqualTo Value "
    "And Or FreeText - DeepTraversal LongId RebuildResults LessThan GreaterThan",
    16: "GAL DisplayName Phone Office Title Company Alias FirstName LastName HomePhone MobilePhone EmailAddress",
    17: "AirSyncBase BodyPreference Type TruncationSize AllOrNone - Body Data EstimatedDataSize Truncated "
    "Attachments Attachment DisplayName FileReference Method ContentId ContentLocation IsInline "
    "NativeBodyType ContentType Preview",
    18: "Settings Settings Status Get Set Oof OofState StartTime EndTime OofMessage AppliesToInternal "
    "AppliesToExternalKnown AppliesToExternalUnknown Enabled ReplyMessage BodyType DevicePassword Password "
    "DeviceInformation Model IMEI FriendlyName OS OSLanguage PhoneNumber UserInformation EmailAddresses "
    "SMTPAddress UserAgent",
    20: "ItemOperations ItemOperations Fetch Store Options Range Total Properties Data Status Response Version "
    "Schema Part EmptyFolderContents DeleteSubFolders",
    21: "ComposeMail SendMail SmartForward SmartReply SaveInSentItems ReplaceMime - Source FolderId ItemId LongId "
    "InstanceId Mime ClientId Status",
    22: "Email2 UmCallerID UmUserNotes UmAttDuration UmAttOrder ConversationId ConversationIndex LastVerbExecuted "
    "LastVerbExecutionTime ReceivedAsBcc Sender",
}

TOKENS, NAMES = {}, {}
for _page, _words in PAGES.items():
    _space, *_tags = _words.split()
    for _token, _tag in enumerate(_tags, FIRST_TAG):
        if _tag != "-":
            TOKENS[f"{_space}:{_tag}"] = (_page, _token)
            NAMES[_page, _token] = f"{_space}:{_tag}"


class Element:
    """A tag with text or bytes, or with elements; find("Page:Tag") looks below it."""

    def __init__(self, name, *content):
        self.name = name
        self.children = [part for part in content if isinstance(part, Element)]
        self.text = next((part for part in content if isinstance(part, (str, bytes))), "")

    def all(self, name):
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.all(name)

    def find(self, name):
        return next(self.all(name), None)

    def value(self, name, otherwise=None):
        found = self.find(name)
        return otherwise if found is None else found.text

    def __repr__(self):
        return f"<{self.name} {self.text!r} {self.children}>"


def encode(root):
    out = bytearray(HEAD)
    _encode(root, out, 0)
    return bytes(out)


def _encode(element, out, page):
    wanted, token = TOKENS[element.name]
    if wanted != page:
        out += bytes([SWITCH_PAGE, wanted])
    if not element.children and not element.text:
        out.append(token)
        return wanted
    out.append(token | HAS_CONTENT)
    if isinstance(element.text, bytes):
        out += bytes([OPAQUE, *_length(len(element.text))]) + element.text
    elif element.text:
        out += bytes([STRING]) + element.text.encode() + b"\0"
    page = wanted
    for child in element.children:
        page = _encode(child, out, page)
    out.append(END)
    return page


def _length(number):
    """A multi-byte integer: seven bits a byte, the highest first (WBXML 1.3, 5.1)."""
    septets = [number & 0x7F]
    while number := number >> 7:
        septets.append(number & 0x7F | 0x80)
    return reversed(septets)


def decode(data):
    assert data[:1] == HEAD[:1] and data[2:4] == HEAD[2:], f"no ActiveSync: {data[:40]!r}"
    return _Reader(data[4:]).read()


class _Reader:
    def __init__(self, data):
        self.data, self.at, self.page = data, 0, 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def length(self):
        number = 0
        while True:
            septet = self.byte()
            number = number << 7 | septet & 0x7F
            if not septet & 0x80:
                return number

    def read(self):
        """One element, from its tag on."""
        token = self.byte()
        while token == SWITCH_PAGE:
            self.page = self.byte()
            token = self.byte()
        assert not token & HAS_ATTRIBUTES, "ActiveSync has no attributes"
        tag = token & 0x3F
        element = Element(NAMES.get((self.page, tag), f"{PAGES.get(self.page, str(self.page)).split()[0]}:0x{tag:02x}"))
        if token & HAS_CONTENT:
            self.read_content(element)
        return element

    def read_content(self, element):
        while True:
            token = self.data[self.at]
            if token == END:
                self.at += 1
                return
            if token == STRING:
                end = self.data.index(0, self.at)
                element.text = element.text + self.data[self.at + 1 : end].decode(errors="replace")
                self.at = end + 1
            elif token == OPAQUE:
                self.at += 1
                count = self.length()
                element.text = self.data[self.at : self.at + count]
                self.at += count
            elif token == SWITCH_PAGE:
                self.page = self.data[self.at + 1]
                self.at += 2
            else:
                element.children.append(self.read())
