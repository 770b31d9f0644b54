/*
 * cli/demo_page.c - a calm little webmail in a few templates.
 *
 * A template names its gaps in braces; fill() escapes whatever goes into one. The
 * five messages are the guided tour of postern. Knows nothing of connections;
 * owns nothing. Values may come from the network: they are text, never markup.
 */
#include "cli/demo_page.h"

#include <stdio.h>

#include "cli/demo_attachment.h"
#include "http/fields.h"

static const char style[] =
    ":root{color-scheme:light dark;--paper:#f6f5f1;--card:#fff;--ink:#1d2b33;"
    "--soft:#55646d;--line:#dcd9d0;--sea:#0b5c6b;--mark:#e3f0ee;--bad:#9c1f1f}\n"
    "@media(prefers-color-scheme:dark){:root{--paper:#12191d;--card:#1a2429;"
    "--ink:#e4eaec;--soft:#a3b1b8;--line:#2f3c43;--sea:#7fd0dc;--mark:#17363a;"
    "--bad:#ff9d94}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);"
    "font:1rem/1.6 system-ui,sans-serif}\n"
    "header,main,footer{max-width:46rem;margin:auto;padding:1rem 1.25rem}\n"
    "header{display:flex;flex-wrap:wrap;gap:.5rem 1.25rem;align-items:center}\n"
    "header strong{margin-right:auto;letter-spacing:.02em}\n"
    "header form{margin:0}\n"
    "main>section{background:var(--card);border:1px solid var(--line);"
    "border-radius:.75rem;padding:1.25rem 1.5rem}\n"
    "main>section.small{max-width:23rem;margin:8vh auto}\n"
    "h1{font-size:1.4rem;line-height:1.3;margin:0 0 .75rem}\n"
    "a{color:var(--sea)}\n"
    ":focus-visible{outline:3px solid var(--sea);outline-offset:2px}\n"
    "ul.mail{list-style:none;margin:0;padding:0}\n"
    "ul.mail li+li{border-top:1px solid var(--line)}\n"
    "ul.mail a{display:grid;grid-template-columns:9rem 1fr auto;gap:0 1rem;"
    "padding:.75rem .25rem;color:inherit;text-decoration:none}\n"
    "ul.mail a:hover{background:var(--mark)}\n"
    "ul.mail b{color:var(--sea)}\n"
    "small,.soft,footer{color:var(--soft);font-size:.9rem}\n"
    "label{display:block;margin:.75rem 0 .25rem;font-weight:600}\n"
    "input,textarea{width:100%;font:inherit;color:inherit;background:var(--paper);"
    "border:1px solid var(--soft);border-radius:.4rem;padding:.5rem .6rem}\n"
    "button{font:inherit;font-weight:600;color:var(--card);background:var(--sea);"
    "border:0;border-radius:.4rem;padding:.5rem "
    "1.1rem;margin-top:1rem;cursor:pointer}\n"
    "header button{margin:0;padding:.2rem .8rem;background:none;color:var(--sea);"
    "border:1px solid}\n"
    "footer{text-align:center}\n"
    "p.bad{color:var(--bad);border-left:3px solid;padding-left:.75rem}\n"
    "code,td,th,dd{overflow-wrap:anywhere}\n"
    "table{width:100%;border-collapse:collapse;font-size:.9rem}\n"
    "th,td{text-align:left;vertical-align:top;padding:.35rem .5rem;"
    "border-bottom:1px solid var(--line)}\n"
    "th{width:12rem;font-weight:600}\n"
    "tr.ours{background:var(--mark)}\n"
    "dt{font-weight:600}dd{margin:0 0 .5rem;font-family:ui-monospace,monospace}\n"
    "@media(max-width:34rem){ul.mail a{grid-template-columns:1fr auto}"
    "ul.mail span{grid-column:1/-1;grid-row:2}th{width:auto}}\n";

static const char page_begin[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<title>{title} - Fjord Mail</title>\n"
    "<link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n";

static const char page_nav[] =
    "<header><strong>Fjord Mail</strong>\n"
    "<nav aria-label=\"Mail\"><a href=\"/mailbox\">Mailbox</a> &middot; "
    "<a href=\"/compose\">Write</a></nav>\n"
    "<form method=\"post\" action=\"/logout\"><button>Sign out</button></form>"
    "</header>\n";

static const char page_heading[] = "<main><section>\n<h1>{title}</h1>\n";

static const char page_end[] =
    "</section></main>\n<footer>A demonstration. Nothing written here is sent or kept."
    "</footer>\n</body>\n</html>\n";

static const char login_refused[] =
    "<p class=\"bad\" role=\"alert\" id=\"problem\">Sign-in failed. "
    "Check name and password.</p>\n";

static const char login_form[] =
    "<p class=\"soft\">An internal webmail, seen through postern. "
    "Name <code>{user}</code>, password <code>{password}</code>.</p>\n"
    "<form method=\"post\" action=\"/login\">\n"
    "<label for=\"user\">Name</label>\n"
    "<input id=\"user\" name=\"user\" autocomplete=\"username\" "
    "autocapitalize=\"none\" "
    "spellcheck=\"false\" required autofocus>\n"
    "<label for=\"password\">Password</label>\n"
    "<input id=\"password\" name=\"password\" type=\"password\" "
    "autocomplete=\"current-password\" required>\n"
    "<button>Sign in</button>\n</form>\n";

static const char mailbox_row[] =
    "<li><a href=\"/message/{number}\"><span>{from}</span> <b>{subject}</b> "
    "<small>{date}</small></a></li>\n";

static const char message_begin[] = "<p class=\"soft\">{from}, {date}</p>\n";
static const char message_paragraph[] = "<p>{text}</p>\n";
static const char message_link[] = "<p><a href=\"{href}\">{label}</a></p>\n";
static const char message_digest[] =
    "<p class=\"soft\">SHA-256, to see that it came through unharmed:<br>"
    "<code>{sha256}</code></p>\n";

static const char compose_form[] =
    "<form method=\"post\" action=\"/compose\" enctype=\"multipart/form-data\">\n"
    "<label for=\"subject\">Subject</label>\n<input id=\"subject\" name=\"subject\">\n"
    "<label for=\"text\">Text</label>\n"
    "<textarea id=\"text\" name=\"text\" rows=\"5\"></textarea>\n"
    "<label for=\"file\">Attachment, up to 64 MB</label>\n"
    "<input id=\"file\" name=\"file\" type=\"file\" required>\n"
    "<button>Send</button>\n</form>\n";

static const char received_list[] =
    "<p>This is what came through to the internal server. Compare it with "
    "<code>sha256sum</code> on your side.</p>\n"
    "<dl><dt>File</dt><dd>{name}</dd><dt>Bytes</dt><dd>{bytes}</dd>"
    "<dt>SHA-256</dt><dd>{sha256}</dd></dl>\n";

static const char request_begin[] =
    "<p>The marked rows were written by postern; whatever a client sends under these "
    "names is dropped.</p>\n<p><code>{method} {target} HTTP/1.{minor}</code></p>\n"
    "<table>\n";
static const char request_row[] =
    "<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>\n";
static const char request_row_ours[] =
    "<tr class=\"ours\"><th scope=\"row\">{name}</th><td>{value}</td></tr>\n";
static const char request_end[] =
    "</table>\n<p class=\"soft\">The inner connection: {tls}.</p>\n";

static const char live_begin[] =
    "<p>This page arrives in pieces, one each second for a minute: nothing on the way "
    "holds it back. There is no script.</p>\n";
static const char live_second[] = "<p class=\"soft\">Second {second}</p>\n";
static const char live_end[] = "<p>The minute is over.</p>\n";

static const char plain_text[] =
    "<p>{sentence}</p>\n<p><a href=\"/\">To the mailbox</a></p>\n";

struct message {
    const char *from, *subject, *date;
    const char *paragraphs[3]; /* up to the first NULL */
    const char *href, *label;
    bool has_attachment;
};

static const struct message messages[] = {
    { "Harbour office", "Welcome to the demonstration", "09:12",
        { "Your browser speaks TLS with postern, under a public name and a public "
          "certificate. postern reads your request strictly, then asks this server "
          "over a second TLS connection, after it has verified this server's own "
          "certificate: chain, name and dates.",
            "Neither side knows of the other. What postern decided about each request "
            "stands, one line each, in its log: the terminal tells you where." },
        "/compose", "Write something", false },
    { "Ingrid Dale", "The plan of the boathouse", "08:47",
        { "Here it is at last: one mebibyte, the same in every demonstration.",
            "postern passes it on piece by piece and never holds more of it than a "
            "few of those pieces." },
        "/attachment/" DEMO_ATTACHMENT_NAME, DEMO_ATTACHMENT_NAME " (1 MiB)", true },
    { "postern", "What the internal server saw", "Yesterday",
        { "Each request is taken apart, checked and written anew. Who you are is said "
          "by postern alone: send a forged X-Forwarded-For and look what becomes of "
          "it." },
        "/request", "Show my request", false },
    { "Lighthouse", "A light each second", "Thursday",
        { "Mail clients wait for news on requests that stay open for many minutes. "
          "Look at one that stays open for one." },
        "/live", "Watch the light", false },
    { "Archive", "Please send us the drawings", "Monday",
        { "As large as 64 MB. We shall tell you the checksum of what arrived." },
        "/compose", "Send a file", false },
};
_Static_assert(sizeof messages / sizeof messages[0] == DEMO_MESSAGES, "DEMO_MESSAGES");

/* ---- from template to bytes ---- */

struct gap {
    const char *name;
    struct bytes value;
};

static const char *
entity(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\t':
    case '\n':
    case '\r':
        return NULL;
    default:
        return c < 0x20 || c == 0x7f ? "&#xfffd;" : NULL;
    }
}

void
demo_page_escape(struct chunk_queue *to, struct bytes text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.length; i++) {
        const char *instead = entity((unsigned char)text.at[i]);

        if (instead == NULL)
            continue;
        chunk_queue_append(to, bytes_of(text.at + from, i - from));
        chunk_queue_append(to, bytes_of_string(instead));
        from = i + 1;
    }
    if (from < text.length)
        chunk_queue_append(to, bytes_of(text.at + from, text.length - from));
}

static struct bytes
find_gap(const struct gap *gaps, size_t count, struct bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(bytes_of_string(gaps[i].name), name))
            return gaps[i].value;
    require(!"a template names a gap that nobody fills");
    return name;
}

static void
fill(struct chunk_queue *to, const char *template, const struct gap *gaps, size_t count)
{
    struct bytes rest = bytes_of_string(template);

    while (rest.at != NULL) {
        chunk_queue_append(to, bytes_cut(&rest, '{'));
        if (rest.at != NULL)
            demo_page_escape(to, find_gap(gaps, count, bytes_cut(&rest, '}')));
    }
}

#define FILL(to, template, ...)                                                        \
    fill(to, template, (const struct gap[]){ __VA_ARGS__ },                            \
        sizeof((const struct gap[]){ __VA_ARGS__ }) / sizeof(struct gap))

static void
put(struct chunk_queue *to, const char *markup)
{
    chunk_queue_append(to, bytes_of_string(markup));
}

static void
begin(struct chunk_queue *to, const char *title)
{
    const struct gap gap = { "title", bytes_of_string(title) };

    fill(to, page_begin, &gap, 1);
    put(to, page_nav);
    fill(to, page_heading, &gap, 1);
}

static void
end(struct chunk_queue *to)
{
    put(to, page_end);
}

/* A number as text, in memory that the caller lends. */
struct digits {
    char text[21];
};

static struct bytes
number_text(struct digits *digits, uint64_t number)
{
    int length =
        snprintf(digits->text, sizeof digits->text, "%llu", (unsigned long long)number);

    return bytes_of(digits->text, (size_t)length);
}

/* ---- the pages ---- */

struct bytes
demo_page_style(void)
{
    return BYTES(style);
}

void
demo_page_login(struct chunk_queue *to, bool refused)
{
    FILL(to, page_begin,
        { "title", refused ? BYTES("Sign-in failed") : BYTES("Sign in") });
    put(to, "<main><section class=\"small\">\n<h1>Fjord Mail</h1>\n");
    if (refused)
        put(to, login_refused);
    FILL(to, login_form, { "user", BYTES(DEMO_USER) },
        { "password", BYTES(DEMO_PASSWORD) });
    end(to);
}

void
demo_page_mailbox(struct chunk_queue *to)
{
    struct digits digits;

    begin(to, "Mailbox");
    put(to, "<ul class=\"mail\">\n");
    for (unsigned i = 0; i < DEMO_MESSAGES; i++)
        FILL(to, mailbox_row, { "number", number_text(&digits, i + 1) },
            { "from", bytes_of_string(messages[i].from) },
            { "subject", bytes_of_string(messages[i].subject) },
            { "date", bytes_of_string(messages[i].date) });
    put(to, "</ul>\n");
    end(to);
}

void
demo_page_message(struct chunk_queue *to, unsigned number)
{
    const struct message *message = &messages[number - 1];

    require(number >= 1 && number <= DEMO_MESSAGES);
    begin(to, message->subject);
    FILL(to, message_begin, { "from", bytes_of_string(message->from) },
        { "date", bytes_of_string(message->date) });
    for (unsigned i = 0; i < 3 && message->paragraphs[i] != NULL; i++)
        FILL(to, message_paragraph,
            { "text", bytes_of_string(message->paragraphs[i]) });
    FILL(to, message_link, { "href", bytes_of_string(message->href) },
        { "label", bytes_of_string(message->label) });
    if (message->has_attachment) {
        char sha256[DEMO_SHA256_TEXT];

        demo_attachment_sha256(sha256);
        FILL(to, message_digest, { "sha256", bytes_of_string(sha256) });
    }
    end(to);
}

void
demo_page_compose(struct chunk_queue *to)
{
    begin(to, "Write");
    put(to, compose_form);
    end(to);
}

void
demo_page_received(struct chunk_queue *to, const struct demo_file *file)
{
    struct digits digits;

    begin(to, "Received");
    FILL(to, received_list, { "name", bytes_of_string(file->name) },
        { "bytes", number_text(&digits, file->bytes) },
        { "sha256", bytes_of_string(file->sha256) });
    end(to);
}

static void
put_field(struct chunk_queue *to, const struct http_field *field)
{
    unsigned flags = field_flags(field->id);
    bool ours = (flags & FIELD_IDENTITY) != 0 || field->id == FIELD_VIA;
    bool secret = (flags & FIELD_SECRET) != 0;

    FILL(to, ours ? request_row_ours : request_row, { "name", field->name },
        { "value", secret ? BYTES("(not shown)") : field->value });
}

void
demo_page_request(struct chunk_queue *to, const struct http_head *head,
    struct bytes tls)
{
    struct digits digits;

    begin(to, "What the internal server saw");
    FILL(to, request_begin, { "method", head->method }, { "target", head->target },
        { "minor", number_text(&digits, head->minor) });
    for (unsigned i = 0; i < head->field_count; i++)
        put_field(to, &head->fields[i]);
    FILL(to, request_end, { "tls", tls });
    end(to);
}

void
demo_page_live_begin(struct chunk_queue *to)
{
    begin(to, "A light each second");
    put(to, live_begin);
}

void
demo_page_live_second(struct chunk_queue *to, unsigned second)
{
    struct digits digits;

    FILL(to, live_second, { "second", number_text(&digits, second) });
}

void
demo_page_live_end(struct chunk_queue *to)
{
    put(to, live_end);
    end(to);
}

void
demo_page_plain(struct chunk_queue *to, const char *title, const char *sentence)
{
    begin(to, title);
    FILL(to, plain_text, { "sentence", bytes_of_string(sentence) });
    end(to);
}
