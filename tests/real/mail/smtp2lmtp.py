#!/usr/bin/python3
"""Lets an SMTP client hand mail to an LMTP server on a unix socket.

smtp2lmtp.py PORT LMTP_SOCKET

The two protocols differ in the greeting (EHLO, LHLO) and in what follows a message:
LMTP answers once per accepted recipient, SMTP once in all (RFC 2033, 4). Meant for
tests on loopback: no authentication, no TLS, no queue.
"""

import socket
import socketserver
import sys


class Door(socketserver.StreamRequestHandler):
    def handle(self):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(sys.argv[2])
            self.lmtp = sock.makefile("rwb")
            self.wfile.write(self.read_reply())
            self.relay()

    def relay(self):
        accepted = 0
        for line in self.rfile:
            verb = line[:4].upper()
            if verb in (b"EHLO", b"HELO"):
                line = b"LHLO" + line[4:]
            answer = self.ask(line)
            good = answer[:1] == b"2"
            if verb == b"RSET":
                accepted = 0
            elif verb == b"RCPT" and good:
                accepted += 1
            self.wfile.write(answer)
            if verb == b"DATA" and answer[:1] == b"3":
                self.wfile.write(self.pass_message(accepted))
                accepted = 0
            elif verb == b"QUIT":
                return

    def pass_message(self, accepted):
        for line in self.rfile:
            self.lmtp.write(line)
            if line == b".\r\n":
                break
        self.lmtp.flush()
        # One recipient that failed fails the message: the worst answer counts.
        return max(self.read_reply() for _ in range(accepted))

    def ask(self, line):
        self.lmtp.write(line)
        self.lmtp.flush()
        return self.read_reply()

    def read_reply(self):
        reply = b""
        for line in self.lmtp:
            reply += line
            if line[3:4] != b"-":
                break
        return reply


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Door).serve_forever()
