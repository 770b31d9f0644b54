/*
 * proxy/notify.h - telling the service manager how we are (sd_notify(3)).
 */
#ifndef PROXY_NOTIFY_H
#define PROXY_NOTIFY_H

/*
 * Sends `state` ("READY=1", "STOPPING=1") to the socket that NOTIFY_SOCKET names;
 * does nothing when there is none. The protocol is one datagram; a library for it
 * would bring four others along.
 */
void notify_service_manager(const char *state);

#endif
