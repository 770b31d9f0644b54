/*
 * http/filter_policy.h - what a published host lets through, as data.
 *
 * Filled by config/ from the files of config/applications/, config/mitigations.yaml and
 * the operator's file; obeyed by http/filter.c. Immutable; everything points into the
 * snapshot. There are no regular expressions: words, globs and character classes
 * with a length are enough for what webmails send, and cost a bounded time.
 */
#ifndef HTTP_FILTER_POLICY_H
#define HTTP_FILTER_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct word_list {
    const struct bytes *words;
    unsigned count;
};

/* "[A-Za-z0-9._-]{1,64}": one class of bytes, and how many of them. */
struct shape {
    uint8_t set[32]; /* a bit per byte value */
    uint32_t minimum, maximum;
};

enum value_kind {
    VALUE_ANY,
    VALUE_ONE_OF, /* one of the words, which may end in '*' */
    VALUE_SHAPE,
};

struct value_rule {
    enum value_kind kind;
    struct word_list one_of;
    struct shape shape;
};

/* One parameter of a query or a form. */
struct parameter_rule {
    struct bytes name; /* may end in '*' */
    bool required;
    struct value_rule value;
};

/* A parameter by which a rule is chosen: what it may say, and whether it may be missing. */
struct when {
    struct bytes name;
    struct word_list words; /* may end in '*' */
    bool may_be_absent;
};

/* What no table of parameters can say; one function each in http/grammar.c. */
enum grammar {
    GRAMMAR_NONE,
    GRAMMAR_ACTIVESYNC, /* plain or base64 query, known Cmd, DeviceId (MS-ASHTTP 2.2.1) */
    GRAMMAR_MAPI,       /* X-RequestType of this endpoint (MS-OXCMAPIHTTP 2.2.3.3.1) */
    GRAMMAR_OWA_SERVICE,       /* a field Action, and ?action= says the same */
    GRAMMAR_EWS,               /* SOAPAction names an operation of http/ews.def */
    GRAMMAR_AUTODISCOVER_JSON, /* Email, Protocol; nothing that looks like a path */
    GRAMMAR_RPC_PROXY,         /* ?server:port with one of 6001, 6002, 6004 */
    GRAMMAR_COUNT,
};

enum rule_action { RULE_ALLOW, RULE_DENY };

/* What a form in the body is to the application: http/form_judge.h. */
enum form_use {
    FORM_CHECKED, /* its structure is looked at */
    FORM_READ,    /* it brings parameters, too, as the query does */
    FORM_LOOSE,   /* the type says form, the body may be anything, and is read as one */
};

struct header_value {
    struct bytes name, value;
};

/* Fields that answers get where the server did not send them. */
struct added_fields {
    const struct header_value *fields; /* an empty value: not added */
    unsigned count;
};

struct network {
    uint8_t bytes[16]; /* IPv4 as ::ffff:0:0/96 */
    unsigned bits;
};

/*
 * A path is a glob over the decoded canonical path: one asterisk stands for anything
 * but '/', a segment of two for any number of segments or none, at the end for everything
 * below, all else for itself.
 * Of a deny rule only paths, sources, `when` and date count: what is closed is closed to every
 * method. Its globs are tried on the path without ";parameters" and doubled slashes,
 * too, because servers read those away, and where case is ignored, which is IIS, without
 * dots and blanks at the end of segments and what stands behind a ':' there; and on all
 * of these of the path decoded further.
 */
struct path_rule {
    const char *id;     /* "RC010": in the log, never on a page */
    const char *source; /* where the fact comes from */
    enum rule_action action;
    struct word_list paths;   /* globs */
    struct word_list files;   /* empty: any name; else extensions, "." for none */
    struct word_list methods; /* empty: GET and HEAD */
    struct word_list types;   /* request media types; empty: no body may come */
    struct word_list required_headers;
    const struct network *from; /* only these sources; from_count 0: everybody */
    unsigned from_count;
    bool from_is_exception;  /* all sources but these (a deny rule's unless_from) */
    const struct when *when; /* only requests for which each of these holds */
    unsigned when_count;
    uint64_t body_bytes;
    uint32_t idle_ms;
    const struct parameter_rule *parameters; /* of the query, and of a read form */
    unsigned parameter_count;
    bool only_parameters; /* others than these are refused */
    enum form_use form;
    enum grammar grammar;
    struct added_fields
        added; /* to its answers; of the same name before the policy's */
    int64_t report_only_until; /* seconds since 1970, first to refuse; 0: enforced */
};

enum condition_part {
    PART_PATH,      /* decoded */
    PART_QUERY,     /* decoded */
    PART_URL,       /* path?query, decoded twice */
    PART_HEADER,    /* value of the named field */
    PART_COOKIE,    /* value of the named cookie */
    PART_PARAMETER, /* value of the named parameter, of the query or of a form, decoded */
    PART_METHOD,
};

enum condition_test {
    TEST_PRESENT,
    TEST_CONTAINS,     /* `text`, ignoring ASCII case */
    TEST_CONTAINS_ALL, /* each of `words`, in any order */
    TEST_GLOB,         /* `text` as a glob over the whole, '*' for anything */
    TEST_NOT_SHAPE,    /* there, and not of this shape */
};

struct condition {
    enum condition_part part;
    struct bytes name; /* may end in '*' */
    enum condition_test test;
    struct bytes text;
    struct word_list words;
    struct shape shape;
};

/* A published attack on one of the applications: refused when all conditions hold. */
struct mitigation {
    const char *id, *cve, *severity, *source;
    const struct condition *conditions;
    unsigned condition_count;
    int64_t report_only_until;
};

/* For the values of all fields of this name together. */
struct header_limit {
    struct bytes name;
    uint32_t bytes;
};

struct filter_policy {
    const char *application; /* "roundcube", or "any" */
    const char *version;
    bool has_model;          /* paths are a positive list; without, all may pass */
    bool ignores_case;       /* the application's server compares paths so (IIS) */
    bool model_reports_only; /* the whole positive list */
    int64_t report_only_until;

    /* The path and the query as received; all field lines; 0: no limit of its own. */
    uint32_t url_bytes, query_bytes, header_bytes, headers;
    const struct header_limit *header_limits;
    unsigned header_limit_count;
    uint32_t url_oddities; /* bits of enum url_oddity that are refused in the path */
    uint32_t query_oddities;
    /* For any path. Empty: the model decides; a tunnel has neither. */
    struct word_list methods;
    /* ".exe", and "." for a last segment without one; allowed empty: all. */
    struct word_list extensions_allowed, extensions_denied;
    bool refuses_ambiguous_extension;
    struct word_list pages; /* extensions of what the application's server runs */
    struct word_list denied_in_path, denied_in_query; /* raw and decoded are searched */
    struct word_list denied_headers;   /* refused when a client sends one */
    struct word_list stripped_headers; /* dropped: identity, in this application */
    bool hides_via; /* no Via goes inside, neither ours nor one that came */
    const struct header_value *set_headers;
    unsigned set_header_count;
    struct word_list removed_response_headers; /* '*' at the end allowed */
    const struct header_value *replaced_response_headers;
    unsigned replaced_response_header_count;
    struct added_fields added;                 /* to every answer */
    bool refuses_executables;                  /* in responses, by their first bytes */
    struct word_list upload_extensions_denied; /* of multipart file names */

    const struct path_rule *rules; /* deny rules first, then allow, as in the file */
    unsigned rule_count;
    const struct mitigation *mitigations; /* of this application */
    unsigned mitigation_count;
};

#endif
