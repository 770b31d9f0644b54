/*
 * http/grammar.c - requests whose form no table of parameters can say.
 *
 * MAPI over HTTP, OWA's service, Autodiscover's JSON, RPC over HTTP. ActiveSync and EWS
 * have files of their own. Looks at the head only.
 *
 * Trust: everything comes from the network.
 */
#include "http/grammar.h"

#include "http/words.h"

#define DIGITS "0123456789"

static inline bool
is_letter(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

/* Made of letters and the bytes in `others` alone, and that many of them. */
static bool
is_made_of(struct bytes text, const char *others, size_t minimum, size_t maximum)
{
    if (text.length < minimum || text.length > maximum)
        return false;
    for (size_t i = 0; i < text.length; i++)
        if (!is_letter(text.at[i]) &&
            (text.at[i] == '\0' || strchr(others, text.at[i]) == NULL))
            return false;
    return true;
}

static bool
is_one_of(struct bytes text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal_nocase(text, bytes_of_string(words[i])))
            return true;
    return false;
}

/* The next field of that name from *at on, or NULL; *at is then behind it. */
static const struct http_field *
next_field(const struct http_head *head, struct bytes name, unsigned *at)
{
    while (*at < head->field_count) {
        const struct http_field *field = &head->fields[(*at)++];

        if (word_is(name, field->name))
            return field;
    }
    return NULL;
}

/* The one field of that name; NULL when there is none, or more than one. */
static const struct http_field *
only_field(const struct http_head *head, struct bytes name)
{
    unsigned at = 0;
    const struct http_field *field = next_field(head, name, &at);

    return next_field(head, name, &at) == NULL ? field : NULL;
}

/* Has this word as a segment of the path. */
static bool
is_below(struct bytes path, struct bytes word)
{
    while (path.at != NULL)
        if (bytes_equal_nocase(bytes_cut(&path, '/'), word))
            return true;
    return false;
}

/* MS-OXCMAPIHTTP 2.2.3.3.1; each endpoint has its own (2.2.4, 2.2.5), PING both (2.2.6). */
static bool
mapi_holds(const struct grammar_input *input, struct bytes *part)
{
    static const char *const mailbox[] = { "Connect", "Execute", "Disconnect",
        "NotificationWait", "PING" };
    static const char *const address_book[] = { "Bind", "Unbind", "CompareMIds",
        "DNToMId", "GetMatches", "GetPropList", "GetProps", "GetSpecialTable",
        "GetTemplateInfo", "ModLinkAtt", "ModProps", "QueryRows", "QueryColumns",
        "ResolveNames", "ResortRestriction", "SeekEntries", "UpdateStat",
        "GetMailboxUrl", "GetAddressBookUrl", "PING" };
    const struct http_field *field = only_field(input->head, BYTES("X-RequestType"));

    *part = BYTES("X-RequestType");
    if (field == NULL)
        return false;
    if (is_below(input->path, BYTES("nspi")))
        return is_one_of(field->value, address_book,
            sizeof address_book / sizeof *address_book);
    return is_one_of(field->value, mailbox, sizeof mailbox / sizeof *mailbox);
}

/*
 * OWA names what it does in a field, which a request forged in another site's page cannot
 * have; its own pages repeat it in the query, and then both must agree.
 */
static bool
owa_service_holds(const struct grammar_input *input, struct bytes *part)
{
    const struct http_field *field = only_field(input->head, BYTES("Action"));

    *part = BYTES("Action");
    if (field == NULL || !is_made_of(field->value, "", 3, 64))
        return false;
    for (unsigned i = 0; i < input->parameters->count; i++) {
        const struct pair *pair = &input->parameters->at[i];

        if (pairs_name_is(BYTES("action"), pair->name, true) &&
            !bytes_equal(pair->value, field->value))
            return false;
    }
    return true;
}

/* An address that Exchange can have, with nothing that could be read as a path. */
static bool
is_email(struct bytes email)
{
    struct bytes host = email;
    struct bytes local = bytes_cut(&host, '@');

    return is_made_of(local, DIGITS "!#$&'*+-=^_`{|}~.", 1, 64) &&
        is_made_of(host, DIGITS "-.", 1, 255) &&
        !bytes_contains_nocase(email, BYTES("powershell"));
}

/* .../autodiscover.json, or with "/v1.0/ADDRESS" behind it. */
static bool
is_autodiscover_path(struct bytes path)
{
    const struct bytes name = BYTES("/autodiscover.json");
    const struct bytes version = BYTES("/v1.0/");

    while (!bytes_has_prefix_nocase(path, name)) {
        if (path.length < name.length)
            return false;
        path.at++;
        path.length--;
    }
    path = bytes_of(path.at + name.length, path.length - name.length);
    if (path.length == 0)
        return true;
    return bytes_has_prefix_nocase(path, version) &&
        is_email(bytes_of(path.at + version.length, path.length - version.length));
}

static bool
autodiscover_json_holds(const struct grammar_input *input, struct bytes *part)
{
    /* What the server itself names when asked for another (gromox 1892eb3,
     * exch/oxdisco.cpp:123 has the words of Microsoft's). */
    static const char *const protocols[] = { "ActiveSync", "AutodiscoverV1", "Ews",
        "Rest", "Substrate", "SubstrateSearchService", "SubstrateNotificationService",
        "OutlookMeetingScheduler", "OutlookPay", "Actions", "Connectors",
        "ConnectorsProcessors", "ConnectorsWebhook", "NotesClient",
        "OwaPoweredExperience", "ToDo", "Weve", "OutlookLocationsService",
        "OutlookCloudSettingsService", "OutlookTailoredExperiences",
        "OwaPoweredExperienceV2", "Speedway", "SpeechAndLanguagePersonalization",
        "SubstrateSignalService", "CompliancePolicyService" };

    *part = input->path;
    if (!is_autodiscover_path(input->path))
        return false;
    for (unsigned i = 0; i < input->parameters->count; i++) {
        const struct pair *pair = &input->parameters->at[i];
        uint64_t count;
        bool holds = false;

        *part = pair->name;
        if (bytes_equal_nocase(pair->name, BYTES("Email")))
            holds = is_email(pair->value);
        else if (bytes_equal_nocase(pair->name, BYTES("Protocol")))
            holds =
                is_one_of(pair->value, protocols, sizeof protocols / sizeof *protocols);
        else if (bytes_equal_nocase(pair->name, BYTES("RedirectCount")))
            holds = bytes_to_u64(pair->value, 999, &count);
        if (!holds)
            return false;
    }
    return true;
}

/* MS-RPCH 2.2.2: the query is server:port; since Exchange 2013 the server is GUID@domain. */
static bool
rpc_proxy_holds(const struct grammar_input *input, struct bytes *part)
{
    static const char *const ports[] = { "6001", "6002", "6004" };
    struct bytes port = input->query;
    struct bytes server = bytes_cut(&port, ':');

    *part = input->query;
    return is_made_of(server, DIGITS "-._@", 1, 255) &&
        is_one_of(port, ports, sizeof ports / sizeof *ports);
}

bool
grammar_holds(enum grammar grammar, const struct grammar_input *input,
    struct bytes *part)
{
    switch (grammar) {
    case GRAMMAR_NONE:
        return true;
    case GRAMMAR_ACTIVESYNC:
        return grammar_activesync(input, part);
    case GRAMMAR_MAPI:
        return mapi_holds(input, part);
    case GRAMMAR_OWA_SERVICE:
        return owa_service_holds(input, part);
    case GRAMMAR_EWS:
        return grammar_ews(input, part);
    case GRAMMAR_AUTODISCOVER_JSON:
        return autodiscover_json_holds(input, part);
    case GRAMMAR_RPC_PROXY:
        return rpc_proxy_holds(input, part);
    case GRAMMAR_COUNT:
        break;
    }
    return false;
}
