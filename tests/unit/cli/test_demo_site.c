/*
 * The internal site over real loopback TLS, asked as a browser would ask it.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "cli/demo_attachment.h"
#include "cli/demo_pki.h"
#include "cli/demo_site.h"

#define ANSWER_BYTES ((size_t)2 * 1024 * 1024)
#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
#define POST(path) "POST " path " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
#define LOGIN(form, length)                                                            \
    POST("/login")                                                                     \
    "Content-Type: application/x-www-form-urlencoded\r\n"                              \
    "Content-Length: " length "\r\n\r\n" form

static char folder[] = "/tmp/postern-test-XXXXXX";
static struct demo_site site;
static SSL_CTX *context;
static char answer[ANSWER_BYTES + 1];
static size_t answer_length;
static char cookie[200]; /* a whole Cookie line, once signed in */

/* ---- a client ---- */

static int
connect_site(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons(site.port),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Shakes hands as postern does: chain and name must be right. */
static SSL *
open_tls(void)
{
    SSL *tls = SSL_new(context);

    assert_non_null(tls);
    SSL_set_fd(tls, connect_site());
    SSL_set1_host(tls, DEMO_INTERNAL_NAME);
    SSL_set_tlsext_host_name(tls, DEMO_INTERNAL_NAME);
    assert_int_equal(SSL_connect(tls), 1);
    return tls;
}

static void
close_tls(SSL *tls)
{
    int fd = SSL_get_fd(tls);

    SSL_free(tls);
    close(fd);
}

static void
say(SSL *tls, const char *text)
{
    assert_int_equal(SSL_write(tls, text, (int)strlen(text)), (int)strlen(text));
}

/* Reads into `answer` until the site closes, or until `stop` has come. */
static void
hear(SSL *tls, const char *stop)
{
    size_t got;

    answer_length = 0;
    answer[0] = '\0';
    while (answer_length < ANSWER_BYTES &&
        SSL_read_ex(tls, answer + answer_length, ANSWER_BYTES - answer_length, &got) ==
            1) {
        answer_length += got;
        answer[answer_length] = '\0';
        if (stop != NULL && strstr(answer, stop) != NULL)
            return;
    }
    assert_null(stop);
    assert_int_equal(SSL_get_shutdown(tls) & SSL_RECEIVED_SHUTDOWN,
        SSL_RECEIVED_SHUTDOWN);
}

/* One request on a connection of its own, to its end. */
static void
ask(const char *request)
{
    SSL *tls = open_tls();

    say(tls, request);
    hear(tls, NULL);
    close_tls(tls);
}

/* The same with a GET by one who has signed in. */
static void
ask_page(const char *method, const char *path, const char *fields)
{
    char request[1000];

    snprintf(request, sizeof request,
        "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s%s\r\n", method,
        path, cookie, fields);
    ask(request);
}

static void
assert_answer(const char *part)
{
    if (strstr(answer, part) == NULL)
        fail_msg("no \"%s\" in: %.600s", part, answer);
}

static const char *
answer_body(void)
{
    const char *end = strstr(answer, "\r\n\r\n");

    assert_non_null(end);
    return end + 4;
}

static void
sha256_of(const void *at, size_t length, char text[DEMO_SHA256_TEXT])
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    assert_int_equal(EVP_Digest(at, length, digest, NULL, EVP_sha256(), NULL), 1);
    demo_sha256_print(digest, text);
}

static void
sign_in(void)
{
    const char *at;

    ask(LOGIN("user=demo&password=demo", "23"));
    assert_answer("HTTP/1.1 303 ");
    at = strstr(answer, "Set-Cookie: ");
    assert_non_null(at);
    at += strlen("Set-Cookie: ");
    snprintf(cookie, sizeof cookie, "Cookie: other=1; %.*s\r\n", (int)strcspn(at, ";"),
        at);
}

/* ---- signing in ---- */

static void
entry_is_the_login_page(void **state)
{
    (void)state;
    ask(GET("/") "\r\n");
    assert_answer("HTTP/1.1 200 OK\r\n");
    assert_answer("Content-Security-Policy: default-src 'none';");
    assert_answer("Cache-Control: no-store\r\n");
    assert_answer("<form method=\"post\" action=\"/login\">");
}

static void
wrong_password_gets_the_page_and_no_cookie(void **state)
{
    (void)state;
    ask(LOGIN("user=demo&password=Demo", "23"));
    assert_answer("HTTP/1.1 401 ");
    assert_answer("role=\"alert\"");
    assert_null(strstr(answer, "Set-Cookie"));
}

static void
right_password_gets_a_guarded_cookie(void **state)
{
    (void)state;
    sign_in();
    assert_answer("Location: /mailbox\r\n");
    assert_answer("; Path=/; Secure; HttpOnly; SameSite=Lax\r\n");
    assert_non_null(strstr(cookie, "__Host-demo="));
    ask_page("GET", "/mailbox", "");
    assert_answer("HTTP/1.1 200 OK\r\n");
    ask_page("GET", "/", "");
    assert_answer("HTTP/1.1 303 ");
}

static void
mail_is_for_the_signed_in(void **state)
{
    (void)state;
    ask(GET("/mailbox") "\r\n");
    assert_answer("HTTP/1.1 303 ");
    assert_answer("Location: /\r\n");
    ask(GET("/attachment/" DEMO_ATTACHMENT_NAME) "Cookie: __Host-demo=\r\n\r\n");
    assert_answer("HTTP/1.1 303 ");
}

static void
signing_out_takes_the_cookie_back(void **state)
{
    (void)state;
    ask(POST("/logout") "Content-Length: 0\r\n\r\n");
    assert_answer("Set-Cookie: __Host-demo=; ");
    assert_answer("Max-Age=0");
}

static void
login_form_is_bounded(void **state)
{
    (void)state;
    ask(LOGIN("user=demo", "1000000"));
    assert_answer("HTTP/1.1 413 ");
}

/* ---- mail ---- */

static void
five_messages_and_no_sixth(void **state)
{
    char path[32];

    (void)state;
    sign_in();
    for (int number = 1; number <= 5; number++) {
        snprintf(path, sizeof path, "/message/%d", number);
        ask_page("GET", path, "");
        assert_answer("HTTP/1.1 200 OK\r\n");
    }
    ask_page("GET", "/message/0", "");
    assert_answer("HTTP/1.1 404 ");
    ask_page("GET", "/message/6", "");
    assert_answer("HTTP/1.1 404 ");
    ask_page("GET", "/message/", "");
    assert_answer("HTTP/1.1 404 ");
}

static void
attachment_has_the_checksum_that_its_message_tells(void **state)
{
    char sha256[DEMO_SHA256_TEXT];
    const char *body;

    (void)state;
    sign_in();
    ask_page("GET", "/attachment/" DEMO_ATTACHMENT_NAME, "");
    assert_answer("Content-Length: 1048576\r\n");
    assert_answer(
        "Content-Disposition: attachment; filename=\"" DEMO_ATTACHMENT_NAME "\"");
    body = answer_body();
    assert_int_equal(answer_length - (size_t)(body - answer), DEMO_ATTACHMENT_BYTES);
    sha256_of(body, DEMO_ATTACHMENT_BYTES, sha256);
    assert_answer(sha256);
    ask_page("GET", "/message/2", "");
    assert_answer(sha256);
}

static void
attachment_is_not_sent_when_known_or_only_asked_about(void **state)
{
    char sha256[DEMO_SHA256_TEXT], condition[DEMO_SHA256_TEXT + 32];

    (void)state;
    sign_in();
    demo_attachment_sha256(sha256);
    snprintf(condition, sizeof condition, "If-None-Match: \"%s\"\r\n", sha256);
    ask_page("GET", "/attachment/" DEMO_ATTACHMENT_NAME, condition);
    assert_answer("HTTP/1.1 304 ");
    assert_string_equal(answer_body(), "");
    ask_page("HEAD", "/attachment/" DEMO_ATTACHMENT_NAME, "");
    assert_answer("Content-Length: 1048576\r\n");
    assert_string_equal(answer_body(), "");
}

static void
attachment_can_be_made_in_any_part(void **state)
{
    unsigned char whole[64], part[13];

    (void)state;
    demo_attachment_read(4096, whole, sizeof whole);
    demo_attachment_read(4096 + 5, part, sizeof part);
    assert_memory_equal(whole + 5, part, sizeof part);
}

#define UPLOAD                                                                         \
    "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"<a>.txt\"\r\n"   \
    "\r\nabc\r\n--x--\r\n"

static void
upload_is_answered_with_size_and_checksum(void **state)
{
    char fields[500], sha256[DEMO_SHA256_TEXT];

    (void)state;
    sign_in();
    sha256_of("abc", 3, sha256);
    snprintf(fields, sizeof fields,
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: "
        "%zu\r\n\r\n%s",
        strlen(UPLOAD) + 2, UPLOAD);
    ask_page("POST", "/compose", fields);
    assert_answer("HTTP/1.1 200 OK\r\n");
    assert_answer("<dd>&lt;a&gt;.txt</dd>");
    assert_answer("<dd>3</dd>");
    assert_answer(sha256);
    ask_page("POST", "/compose", "Content-Type: text/plain\r\nContent-Length: 2\r\n");
    assert_answer("HTTP/1.1 400 ");
}

static void
upload_that_waits_is_told_to_go_on(void **state)
{
    SSL *tls = open_tls();
    char head[600];

    (void)state;
    sign_in();
    snprintf(head, sizeof head,
        POST("/compose") "%sExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n"
                         "Content-Type: multipart/form-data; boundary=x\r\n\r\n",
        cookie);
    say(tls, head);
    hear(tls, "HTTP/1.1 100 Continue\r\n\r\n");
    snprintf(head, sizeof head, "%zx\r\n%s\r\n0\r\n\r\n", strlen(UPLOAD), UPLOAD);
    say(tls, head);
    hear(tls, NULL);
    assert_answer("<dd>3</dd>");
    close_tls(tls);
}

/* ---- seeing what the proxy does ---- */

static void
request_is_shown_as_it_came(void **state)
{
    (void)state;
    ask(GET("/request?a=1&b=2") "X-Forwarded-For: 192.0.2.7\r\nVia: 1.1 postern\r\n"
                                "Authorization: Basic c2VjcmV0\r\n\r\n");
    assert_answer("GET /request?a=1&amp;b=2 HTTP/1.1");
    assert_answer("<tr class=\"ours\"><th scope=\"row\">X-Forwarded-For</th>");
    assert_answer("<tr class=\"ours\"><th scope=\"row\">Via</th>");
    assert_answer("TLSv1.3");
    assert_null(strstr(answer, "c2VjcmV0"));
}

static void
first_event_does_not_wait_for_the_last(void **state)
{
    SSL *tls = open_tls();

    (void)state;
    say(tls, GET("/events") "\r\n");
    hear(tls, "data: {\"second\": 1}\n\n");
    assert_answer("Content-Type: text/event-stream\r\n");
    assert_answer("Transfer-Encoding: chunked\r\n");
    close_tls(tls);
}

static void
stream_is_not_sent_to_head(void **state)
{
    (void)state;
    ask("HEAD /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_answer("HTTP/1.1 200 OK\r\n");
    assert_string_equal(answer_body(), "");
}

/* ---- HTTP ---- */

static void
requests_in_a_row_share_a_connection(void **state)
{
    SSL *tls = open_tls();

    (void)state;
    say(tls,
        "GET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
        "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n" GET("/login") "\r\n");
    hear(tls, NULL);
    assert_answer("Content-Type: text/css");
    assert_answer("HTTP/1.1 404 ");
    assert_answer("<title>Sign in ");
    close_tls(tls);
}

static void
wrong_method_is_told_the_right_ones(void **state)
{
    (void)state;
    ask(POST("/") "Content-Length: 0\r\n\r\n");
    assert_answer("HTTP/1.1 405 ");
    assert_answer("Allow: GET, HEAD\r\n");
    ask(GET("/logout") "\r\n");
    assert_answer("Allow: POST\r\n");
}

static void
what_is_no_request_is_answered_and_closed(void **state)
{
    (void)state;
    ask("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    assert_answer("HTTP/1.1 400 ");
    assert_answer("Connection: close\r\n");
}

/* ---- the process ---- */

static void
garbage_instead_of_tls_harms_nobody(void **state)
{
    int fd = connect_site();
    char alert[64];

    (void)state;
    assert_int_equal(write(fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    while (read(fd, alert, sizeof alert) > 0)
        ;
    close(fd);
    ask(GET("/") "\r\n");
    assert_answer("HTTP/1.1 200 OK\r\n");
}

static void
site_outlasts_a_signal_to_its_group(void **state)
{
    (void)state;
    assert_int_equal(kill(site.pid, SIGTERM), 0);
    assert_int_equal(kill(site.pid, SIGINT), 0);
    ask(GET("/") "\r\n");
    assert_answer("HTTP/1.1 200 OK\r\n");
}

/* Both ends of the pipe that nobody closes but by ending: its EOF is their end. */
static void
site_ends_with_its_starter(void **state)
{
    struct demo_site orphan;
    struct note note = { "" };
    int alive[2];
    char nothing;
    pid_t starter;

    (void)state;
    assert_int_equal(pipe(alive), 0);
    starter = fork();
    if (starter == 0)
        _exit(demo_site_start(&orphan, folder, NULL, &note) ? 0 : 1);
    close(alive[1]);
    assert_int_equal(read(alive[0], &nothing, 1), 0);
    close(alive[0]);
    assert_int_equal(waitpid(starter, NULL, 0), starter);
}

static void
site_without_certificate_does_not_start(void **state)
{
    struct demo_site none;
    struct note note = { "" };

    (void)state;
    assert_false(demo_site_start(&none, "/nonexistent", NULL, &note));
    assert_non_null(strstr(note.text, "/nonexistent/internal.pem"));
}

/* ---- */

static int
start_site(void **state)
{
    struct note note = { "" };
    char ca[PATH_MAX];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    if (mkdtemp(folder) == NULL || !demo_pki_prepare(folder, time(NULL), &note) ||
        !demo_site_start(&site, folder, NULL, &note))
        return -1;
    snprintf(ca, sizeof ca, "%s/internal-ca.pem", folder);
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return SSL_CTX_load_verify_locations(context, ca, NULL) == 1 ? 0 : -1;
}

static int
stop_site(void **state)
{
    static const char *const files[] = { "internal-ca.pem", "internal.pem",
        "internal.key", "public-ca.pem", "public.pem", "public.key" };
    char path[PATH_MAX];

    (void)state;
    demo_site_stop(&site);
    SSL_CTX_free(context);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    return rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entry_is_the_login_page),
        cmocka_unit_test(wrong_password_gets_the_page_and_no_cookie),
        cmocka_unit_test(right_password_gets_a_guarded_cookie),
        cmocka_unit_test(mail_is_for_the_signed_in),
        cmocka_unit_test(signing_out_takes_the_cookie_back),
        cmocka_unit_test(login_form_is_bounded),
        cmocka_unit_test(five_messages_and_no_sixth),
        cmocka_unit_test(attachment_has_the_checksum_that_its_message_tells),
        cmocka_unit_test(attachment_is_not_sent_when_known_or_only_asked_about),
        cmocka_unit_test(attachment_can_be_made_in_any_part),
        cmocka_unit_test(upload_is_answered_with_size_and_checksum),
        cmocka_unit_test(upload_that_waits_is_told_to_go_on),
        cmocka_unit_test(request_is_shown_as_it_came),
        cmocka_unit_test(first_event_does_not_wait_for_the_last),
        cmocka_unit_test(stream_is_not_sent_to_head),
        cmocka_unit_test(requests_in_a_row_share_a_connection),
        cmocka_unit_test(wrong_method_is_told_the_right_ones),
        cmocka_unit_test(what_is_no_request_is_answered_and_closed),
        cmocka_unit_test(garbage_instead_of_tls_harms_nobody),
        cmocka_unit_test(site_outlasts_a_signal_to_its_group),
        cmocka_unit_test(site_ends_with_its_starter),
        cmocka_unit_test(site_without_certificate_does_not_start),
    };

    return cmocka_run_group_tests(tests, start_site, stop_site);
}
