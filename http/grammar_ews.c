/*
 * http/grammar_ews.c - which operation an EWS request says it is for.
 *
 * SOAP 1.1 says it in the field SOAPAction, SOAP 1.2 among the parameters of the media
 * type (RFC 3902, 2). Who says nothing is believed: the body tells the server, and no
 * body is read here.
 *
 * Trust: both fields come from the network.
 */
#include "http/grammar.h"

#include "http/words.h"

static const struct bytes operations[] = {
#define EWS_OPERATION(name) { #name, sizeof #name - 1 },
#include "http/ews.def"
#undef EWS_OPERATION
};

static bool
is_operation(struct bytes name)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (bytes_equal(name, operations[i]))
            return true;
    return false;
}

static bool
is_action(struct bytes action)
{
    const struct bytes messages =
        BYTES("http://schemas.microsoft.com/exchange/services/2006/messages/");

    if (action.length >= 2 && action.at[0] == '"' &&
        action.at[action.length - 1] == '"')
        action = bytes_of(action.at + 1, action.length - 2);
    if (action.length == 0) /* SOAP 1.1, 6.1.1: the target says it all */
        return true;
    return bytes_has_prefix(action, messages) &&
        is_operation(
            bytes_of(action.at + messages.length, action.length - messages.length));
}

static bool
has_action_in_type(const struct http_head *head)
{
    const struct http_field *field = http_head_field(head, FIELD_CONTENT_TYPE);
    struct bytes rest = field == NULL ? BYTES("") : field->value;

    (void)bytes_cut(&rest, ';');
    while (rest.at != NULL) {
        struct bytes value = bytes_cut(&rest, ';');
        struct bytes name = bytes_trim(bytes_cut(&value, '='));

        if (bytes_equal_nocase(name, BYTES("action")) && !is_action(bytes_trim(value)))
            return false;
    }
    return true;
}

bool
grammar_ews(const struct grammar_input *input, struct bytes *part)
{
    const struct http_head *head = input->head;

    *part = BYTES("SOAPAction");
    for (unsigned i = 0; i < head->field_count; i++)
        if (word_is(*part, head->fields[i].name) && !is_action(head->fields[i].value))
            return false;
    *part = BYTES("Content-Type");
    return has_action_in_type(head);
}
