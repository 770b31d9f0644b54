/*
 * cli/demo_page.h - the pages of the demonstration, written to the end of a queue.
 *
 * Markup stands in templates, everything else goes through one escaping function;
 * there is no way around it. No page has a script or asks another host for anything.
 */
#ifndef CLI_DEMO_PAGE_H
#define CLI_DEMO_PAGE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/chunk.h"
#include "cli/demo_form.h"
#include "http/head.h"

#define DEMO_USER "demo"
#define DEMO_PASSWORD "demo"
#define DEMO_MESSAGES 5u /* numbered from 1 */

/* Text as HTML text or attribute value; control characters become U+FFFD. */
void demo_page_escape(struct chunk_queue *to, struct bytes text);

/* The style sheet that all pages share. */
struct bytes demo_page_style(void);

/* `refused`: the last try was wrong, and the page says so. */
void demo_page_login(struct chunk_queue *to, bool refused);

void demo_page_mailbox(struct chunk_queue *to);

/* `number` is 1 .. DEMO_MESSAGES. */
void demo_page_message(struct chunk_queue *to, unsigned number);

void demo_page_compose(struct chunk_queue *to);
void demo_page_received(struct chunk_queue *to, const struct demo_file *file);

/*
 * The request as it arrived here, with what postern wrote marked. Values of
 * secret fields are left out. `tls`: one phrase about the connection that brought it.
 */
void demo_page_request(struct chunk_queue *to, const struct http_head *head,
    struct bytes tls);

/* A page that arrives in pieces: begin, then each second, then end. */
void demo_page_live_begin(struct chunk_queue *to);
void demo_page_live_second(struct chunk_queue *to, unsigned second);
void demo_page_live_end(struct chunk_queue *to);

/* Anything else: one sentence. */
void demo_page_plain(struct chunk_queue *to, const char *title, const char *sentence);

#endif
