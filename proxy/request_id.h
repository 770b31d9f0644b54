/*
 * proxy/request_id.h - the name of a request: on the error page, in the log, upstream.
 */
#ifndef PROXY_REQUEST_ID_H
#define PROXY_REQUEST_ID_H

/* 26 characters of Crockford's base 32 (48 bits of time, 80 that never repeat) and a NUL. */
#define REQUEST_ID_BYTES 27

/* A new identifier; sorts by time, does not repeat among our processes. */
void request_id_make(char id[REQUEST_ID_BYTES]);

#endif
