#!/bin/bash
# Starts SOGo behind nginx with TLS: web mail, calendars (CalDAV), address books
# (CardDAV) and ActiveSync, as its own sample of nginx puts them together.
#
#   sogo/start.sh STATE_DIR        then:  . STATE_DIR/env
#
# PKI_DIR   the certificates (default STATE_DIR/pki, made when missing)
# PostgreSQL keeps its files under STATE_DIR, too; neither it nor sogod runs as root. Who
# is not root must be able to read /etc/sogo/sogo.conf (group sogo).
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
# shellcheck source=../lib.sh
. "$here/../lib.sh"

INTERNAL_NAME=${INTERNAL_NAME:-webmail.internal.test}
MAIL_DOMAIN=${MAIL_DOMAIN:-example.test}
resources=/usr/lib/GNUstep/SOGo

state_init "${1:-}"
need memcached nginx curl python3
command -v sogod >/dev/null || die 'needs the Debian package sogo'
[ -d "$resources/ActiveSync.SOGo" ] || die 'needs the Debian package sogo-activesync'
pgbin=
for d in /usr/lib/postgresql/*/bin; do
    # Debian keeps several versions side by side: the newest is the last.
    [ ! -x "$d/initdb" ] || pgbin=$d
done
[ -n "$pgbin" ] || die 'needs the Debian package postgresql'
PKI_DIR=${PKI_DIR:-$STATE/pki}
export INTERNAL_NAME
"$here/../../pki/make-pki.sh" "$PKI_DIR"
PKI_DIR=$(cd "$PKI_DIR" && pwd -P)

if is_mine "$STATE/pids/nginx"; then
    exit 0
fi
read -r SOGO_HTTPS_PORT SOGO_PORT SOGO_DB_PORT SOGO_CACHE_PORT MAIL_IMAP_PORT MAIL_SMTP_PORT \
    MAIL_SIEVE_PORT <<<"$(free_ports 7)"
export MAIL_IMAP_PORT MAIL_SMTP_PORT MAIL_SIEVE_PORT

# The mail servers keep a state folder of their own inside ours.
"$here/../mail/start.sh" "$STATE/mail" &
mail_starting=$!
broke() {
    local rc=$?
    if [ "$rc" -ne 0 ]; then
        wait "$mail_starting" || true
        "$here/../stop.sh" "$STATE/mail"
    fi
    fail_stop "$rc"
}
trap broke EXIT

as_pg=() as_sogo=() as_cache=() user_line=''
mkdir -p "$STATE/pg" "$STATE/home" "$STATE/spool" "$STATE/pgrun"
if [ "$(id -u)" -eq 0 ]; then
    as_pg=(setpriv --reuid=postgres --regid=postgres --clear-groups)
    as_sogo=(setpriv --reuid=sogo --regid=sogo --clear-groups)
    as_cache=(-u nobody)
    chown postgres:postgres "$STATE/pg" "$STATE/pgrun"
    chown sogo:sogo "$STATE/home" "$STATE/spool"
    user_line='user www-data;'
fi
chmod 700 "$STATE/pg"

db() { "$pgbin/psql" -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$SOGO_DB_PORT" -U sogo "$@"; }

start_database() {
    if [ ! -s "$STATE/pg/PG_VERSION" ]; then
        "${as_pg[@]}" "$pgbin/initdb" -D "$STATE/pg" -U sogo -A trust -E UTF8 --locale=C.UTF-8 \
            --no-sync --no-instructions >"$STATE/log/initdb.out" 2>&1
    fi
    # INT is its quick end. On TERM it waits for its clients to go first.
    STOP_SIGNAL=INT spawn postgres "${as_pg[@]}" "$pgbin/postgres" -D "$STATE/pg" \
        -p "$SOGO_DB_PORT" -c listen_addresses=127.0.0.1 -c "unix_socket_directories=$STATE/pgrun" \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
        -c shared_buffers=16MB -c max_connections=60
    wait_for 30 PostgreSQL db -d postgres -c 'select 1'
    if ! db -d sogo -c 'select 1' >/dev/null 2>&1; then
        db -d postgres -c 'create database sogo'
        db -d sogo <<SQL
create table sogo_users (
    c_uid text primary key, c_name text, c_password text, c_cn text, mail text
);
insert into sogo_users values
    ('alice', 'alice', 'alice-secret-1', 'Alice Example', 'alice@$MAIL_DOMAIN'),
    ('bob', 'bob', 'bob-secret-2', 'Bob Example', 'bob@$MAIL_DOMAIN');
SQL
    fi
}

# sogod always reads /etc/sogo/sogo.conf; what stands on its command line wins.
start_sogod() {
    local url=postgresql://sogo:any@127.0.0.1:$SOGO_DB_PORT/sogo sources
    sources="({ type = sql; id = directory; viewURL = \"$url/sogo_users\"; canAuthenticate = YES;"
    sources+=' isAddressBook = YES; userPasswordAlgorithm = plain; displayName = Directory; })'
    cd "$STATE/home"
    # Asked politely, its watchdog waits for ever on idle workers; these end by
    # themselves when it is gone. What it has to keep is in the database.
    HOME=$STATE/home TMPDIR=$STATE/spool STOP_SIGNAL=KILL spawn sogod "${as_sogo[@]}" sogod \
        -WONoDetach YES -WOWorkersCount 4 -WOPort "127.0.0.1:$SOGO_PORT" \
        -WOPidFile "$STATE/spool/sogod.pid" -WOLogFile - \
        -SOGoMemcachedHost "127.0.0.1:$SOGO_CACHE_PORT" \
        -SOGoProfileURL "$url/sogo_user_profile" -OCSFolderInfoURL "$url/sogo_folder_info" \
        -OCSSessionsFolderURL "$url/sogo_sessions_folder" \
        -OCSEMailAlarmsFolderURL "$url/sogo_alarms_folder" \
        -OCSCacheFolderURL "$url/sogo_cache_folder" -OCSStoreURL "$url/sogo_store" \
        -OCSAclURL "$url/sogo_acl" -OCSAdminURL "$url/sogo_admin" \
        -SOGoUserSources "$sources" \
        -SOGoIMAPServer "imap://127.0.0.1:$MAIL_IMAP_PORT" \
        -SOGoSMTPServer "smtp://127.0.0.1:$MAIL_SMTP_PORT" \
        -SOGoSieveServer "sieve://127.0.0.1:$MAIL_SIEVE_PORT" \
        -SOGoMailingMechanism smtp -SOGoMailDomain "$MAIL_DOMAIN" \
        -SOGoMailSpoolPath "$STATE/spool" -SOGoPageTitle 'Internal Groupware' \
        -SOGoSieveScriptsEnabled YES -SOGoVacationEnabled YES -SOGoForwardEnabled NO \
        -SOGoAppointmentSendEMailNotifications YES -SOGoEnablePublicAccess YES \
        -SOGoMaximumPingInterval 60 -SOGoMaximumSyncInterval 60 -SOGoInternalSyncInterval 2 \
        -SOGoSuperUsernames '(alice)' -SOGoTimeZone UTC -SxVMemLimit 1024
    cd "$STATE"
}

write_nginx() {
    cat >"$STATE/nginx.conf" <<NGINX
daemon off;
$user_line
worker_processes 1;
pid $STATE/run/nginx.pid;
error_log $STATE/log/nginx-error.log info;
events {
    worker_connections 512;
}
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    # What the front-end saw: a test reads this to learn what the proxy sent.
    log_format seen escape=json '{"time":"\$time_iso8601","xff":"\$http_x_forwarded_for",'
        '"host":"\$http_host","method":"\$request_method","uri":"\$request_uri",'
        '"type":"\$http_content_type","conn":\$connection,"status":\$status,'
        '"sent":\$body_bytes_sent,"agent":"\$http_user_agent"}';
    access_log $STATE/log/nginx-access.json seen;
    client_body_temp_path $STATE/run/body;
    proxy_temp_path $STATE/run/proxy;
    fastcgi_temp_path $STATE/run/fastcgi;
    uwsgi_temp_path $STATE/run/uwsgi;
    scgi_temp_path $STATE/run/scgi;
    client_max_body_size 50m;
    server_tokens off;
    server {
        listen 127.0.0.1:$SOGO_HTTPS_PORT ssl;
        server_name $INTERNAL_NAME;
        ssl_certificate $PKI_DIR/internal-ok.chain.pem;
        ssl_certificate_key $PKI_DIR/internal-ok.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:tls:1m;
        large_client_header_buffers 4 32k;
        proxy_http_version 1.1;
        proxy_set_header Host \$http_host;
        proxy_set_header Connection "";
        proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
        proxy_set_header x-webobjects-server-protocol HTTP/1.0;
        proxy_set_header x-webobjects-remote-host \$remote_addr;
        proxy_set_header x-webobjects-server-name \$host;
        proxy_set_header x-webobjects-server-url https://\$http_host;
        proxy_set_header x-webobjects-server-port \$server_port;
        # The head of its answers is longer than nginx's page.
        proxy_buffers 16 64k;
        proxy_buffer_size 64k;
        proxy_read_timeout 900s;
        location = / {
            return 302 /SOGo/;
        }
        location = /.well-known/caldav {
            return 301 /SOGo/dav/;
        }
        location = /.well-known/carddav {
            return 301 /SOGo/dav/;
        }
        location = /principals/ {
            rewrite ^ /SOGo/dav/ last;
        }
        location ^~ /SOGo {
            proxy_pass http://127.0.0.1:$SOGO_PORT;
        }
        location ^~ /Microsoft-Server-ActiveSync {
            proxy_pass http://127.0.0.1:$SOGO_PORT/SOGo/Microsoft-Server-ActiveSync;
        }
        location /SOGo.woa/WebServerResources/ {
            alias $resources/WebServerResources/;
        }
        location ~ ^/SOGo/so/ControlPanel/Products/([^/]+)/Resources/(.+)\$ {
            alias $resources/\$1.SOGo/Resources/\$2;
        }
    }
}
NGINX
}

spawn memcached memcached "${as_cache[@]}" -l 127.0.0.1 -p "$SOGO_CACHE_PORT" -U 0 -m 16
start_database
start_sogod
write_nginx
spawn nginx nginx -c "$STATE/nginx.conf" -e "$STATE/log/nginx-error.log"
wait_port "$SOGO_HTTPS_PORT"
wait "$mail_starting"
# ActiveSync needs HIGHESTMODSEQ, which Dovecot keeps from when somebody first asks for it.
/usr/bin/python3 - "$MAIL_IMAP_PORT" alice alice-secret-1 bob bob-secret-2 <<'PYTHON'
import imaplib, sys

port, *words = sys.argv[1:]
for user, password in zip(words[::2], words[1::2]):
    imap = imaplib.IMAP4("127.0.0.1", int(port))
    imap.login(user, password)
    imap.enable("CONDSTORE")
    for folder in ("INBOX", "Sent"):
        imap.select(folder)
    imap.logout()
PYTHON
url=https://$INTERNAL_NAME:$SOGO_HTTPS_PORT/
wait_for 30 'the login page' curl -fsS --cacert "$PKI_DIR/internal-ca.crt" \
    --resolve "$INTERNAL_NAME:$SOGO_HTTPS_PORT:127.0.0.1" -o "$STATE/run/login.html" "${url}SOGo/"

# The mail servers' names for things belong to whoever asked for them first.
sed 's/^MAIL_/SOGO_MAIL_/' "$STATE/mail/env" >"$STATE/env"
put_env SOGO_HTTPS_PORT "$SOGO_HTTPS_PORT"
put_env SOGO_URL "$url"
put_env SOGO_NAME "$INTERNAL_NAME"
put_env SOGO_CA "$PKI_DIR/internal-ca.crt"
put_env SOGO_ACCESS_LOG "$STATE/log/nginx-access.json"
printf 'url   %sSOGo/ (name resolves to 127.0.0.1)\nca    %s\nusers alice / alice-secret-1, bob / bob-secret-2\n' \
    "$url" "$PKI_DIR/internal-ca.crt"
