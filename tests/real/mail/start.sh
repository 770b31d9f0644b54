#!/bin/bash
# Starts Dovecot (IMAP, LMTP, ManageSieve) with the users alice and bob and some
# mail for alice, and a small SMTP door that delivers through LMTP.
#
#   mail/start.sh STATE_DIR        then:  . STATE_DIR/env
#
# MAIL_IMAP_PORT, MAIL_SMTP_PORT and MAIL_SIEVE_PORT name the ports; free ones are
# taken otherwise.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
# shellcheck source=../lib.sh
. "$here/../lib.sh"

MAIL_DOMAIN=${MAIL_DOMAIN:-example.test}

need dovecot python3 openssl base64
state_init "${1:-}"
if is_mine "$STATE/pids/dovecot"; then
    exit 0
fi
trap fail_stop EXIT
if [ -z "${MAIL_IMAP_PORT:-}" ] || [ -z "${MAIL_SMTP_PORT:-}" ] || [ -z "${MAIL_SIEVE_PORT:-}" ]; then
    read -r MAIL_IMAP_PORT MAIL_SMTP_PORT MAIL_SIEVE_PORT <<<"$(free_ports 3)"
fi

if [ "$(id -u)" -eq 0 ]; then
    # Dovecot never opens a mailbox as root.
    owner=mail group=mail internal=dovecot internal_group=dovecot login=dovenull chroot=
else
    owner=$(id -un) group=$(id -gn) internal=$owner internal_group=$group login=$owner
    # Without root there is no chroot either.
    chroot='service anvil {
  chroot =
}
service imap-login {
  chroot =
}
service managesieve-login {
  chroot =
}'
fi

cat >"$STATE/users" <<USERS
alice:{PLAIN}alice-secret-1
bob:{PLAIN}bob-secret-2
USERS
[ "$(id -u)" -ne 0 ] || chgrp dovecot "$STATE/users"
chmod 640 "$STATE/users"

cat >"$STATE/dovecot.conf" <<CONF
base_dir = $STATE/run/dovecot
state_dir = $STATE/run/dovecot-state
log_path = /dev/stderr
protocols = imap lmtp sieve
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_format = %Ln
default_internal_user = $internal
default_internal_group = $internal_group
default_login_user = $login
default_process_limit = 20
default_client_limit = 200
first_valid_uid = 1
# All tests come from one address: no penalty for wrong passwords.
service anvil {
  client_limit = 400
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
auth_failure_delay = 0
mail_max_userip_connections = 100
mail_location = maildir:$STATE/mail/%n
passdb {
  driver = passwd-file
  args = username_format=%n $STATE/users
}
userdb {
  driver = static
  args = uid=$owner gid=$group home=$STATE/mail/%n allow_all_users=no
}
service imap-login {
  inet_listener imap {
    port = $MAIL_IMAP_PORT
  }
  inet_listener imaps {
    port = 0
  }
  service_count = 0
}
service managesieve-login {
  inet_listener sieve {
    port = $MAIL_SIEVE_PORT
  }
  service_count = 0
}
protocol lmtp {
  mail_plugins = sieve
}
plugin {
  sieve = file:$STATE/sieve/%n;active=$STATE/sieve/%n.active
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
service lmtp {
  unix_listener lmtp {
    mode = 0600
  }
}
namespace inbox {
  inbox = yes
  mailbox Drafts {
    auto = subscribe
    special_use = \\Drafts
  }
  mailbox Sent {
    auto = subscribe
    special_use = \\Sent
  }
  mailbox Trash {
    auto = subscribe
    special_use = \\Trash
  }
}
$chroot
CONF

# message N SUBJECT: reads the rest of the headers and the body from stdin.
message() {
    local n=$1 subject=$2
    {
        printf 'Return-Path: <bob@%s>\n' "$MAIL_DOMAIN"
        printf 'Date: %s\n' "$(LC_ALL=C date -R -d "-$((10 - n)) hours")"
        printf 'From: Bob Example <bob@%s>\nTo: Alice Example <alice@%s>\n' "$MAIL_DOMAIN" "$MAIL_DOMAIN"
        printf 'Message-ID: <seed-%s@%s>\n' "$n" "$MAIL_DOMAIN"
        printf 'Subject: %s\nMIME-Version: 1.0\n' "$subject"
        cat
    } >"$STATE/mail/alice/new/170000000$n.seed$n.localhost"
}

mkdir -p "$STATE/sieve"
[ "$(id -u)" -ne 0 ] || chown "$owner:$group" "$STATE/sieve"
if [ ! -d "$STATE/mail/alice/new" ]; then
    mkdir -p "$STATE/mail/alice/new" "$STATE/mail/alice/cur" "$STATE/mail/alice/tmp" \
        "$STATE/mail/bob/new" "$STATE/mail/bob/cur" "$STATE/mail/bob/tmp"
    # One megabyte that looks random and is the same on every run.
    head -c 1048576 /dev/zero |
        openssl enc -aes-128-ctr -K 000102030405060708090a0b0c0d0e0f \
            -iv 00000000000000000000000000000000 >"$STATE/attachment.bin"
    message 1 'Welcome' <<'TXT'
Content-Type: text/plain; charset=utf-8

Hello Alice, this is a plain message.
TXT
    message 2 '=?UTF-8?Q?Gr=C3=BC=C3=9Fe_und_=E2=82=AC?=' <<'TXT'
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: 8bit

<html><body><p>HTML with a <a href="https://www.example.test/?a=1&amp;b=2">link</a>,
umlauts äöü, a remote <img src="http://img.example.test/x.png" alt="picture">
and <script>document.title = 'script ran'</script>a script.</p></body></html>
TXT
    {
        cat <<'TXT'
Content-Type: multipart/mixed; boundary="b-1"

--b-1
Content-Type: text/plain

One megabyte is attached.
--b-1
Content-Type: application/octet-stream; name="attachment.bin"
Content-Disposition: attachment; filename="attachment.bin"
Content-Transfer-Encoding: base64

TXT
        base64 -w 76 "$STATE/attachment.bin"
        echo '--b-1--'
    } | message 3 'With attachment'
    [ "$(id -u)" -ne 0 ] || chown -R "$owner:$group" "$STATE/mail"
fi

spawn dovecot dovecot -F -c "$STATE/dovecot.conf"
spawn smtp2lmtp /usr/bin/python3 "$here/smtp2lmtp.py" "$MAIL_SMTP_PORT" "$STATE/run/dovecot/lmtp"
wait_port "$MAIL_IMAP_PORT"
wait_port "$MAIL_SIEVE_PORT"
wait_for 10 'the LMTP socket' test -S "$STATE/run/dovecot/lmtp"
wait_port "$MAIL_SMTP_PORT"

: >"$STATE/env"
put_env MAIL_IMAP_PORT "$MAIL_IMAP_PORT"
put_env MAIL_SMTP_PORT "$MAIL_SMTP_PORT"
put_env MAIL_SIEVE_PORT "$MAIL_SIEVE_PORT"
put_env MAIL_DOMAIN "$MAIL_DOMAIN"
put_env MAIL_ALICE_PASSWORD alice-secret-1
put_env MAIL_BOB_PASSWORD bob-secret-2
put_env MAIL_ATTACHMENT_SHA256 "$(sha256sum "$STATE/attachment.bin" | cut -d' ' -f1)"
