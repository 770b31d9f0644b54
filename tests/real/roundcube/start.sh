#!/bin/bash
# Starts Roundcube behind nginx with TLS: the "internal webmail front-end". It lies
# under / and under /webmail, with those of Debian's plugins that need no other server.
#
#   roundcube/start.sh STATE_DIR        then:  . STATE_DIR/env
#
# PKI_DIR   the certificates (default STATE_DIR/pki, made when missing)
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
# shellcheck source=../lib.sh
. "$here/../lib.sh"

INTERNAL_NAME=${INTERNAL_NAME:-webmail.internal.test}
docroot=/var/lib/roundcube/public_html

state_init "${1:-}"
need nginx php
[ -e "$docroot/index.php" ] || die 'needs the Debian package roundcube-core'
fpm=
for f in /usr/sbin/php-fpm*; do
    # Debian puts the version into the name.
    [ ! -x "$f" ] || fpm=$f
done
[ -n "$fpm" ] || die 'needs the Debian package php-fpm'
PKI_DIR=${PKI_DIR:-$STATE/pki}
export INTERNAL_NAME
"$here/../../pki/make-pki.sh" "$PKI_DIR"
PKI_DIR=$(cd "$PKI_DIR" && pwd -P)

if is_mine "$STATE/pids/nginx"; then
    exit 0
fi
read -r RC_HTTPS_PORT MAIL_IMAP_PORT MAIL_SMTP_PORT MAIL_SIEVE_PORT <<<"$(free_ports 4)"
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

if [ "$(id -u)" -eq 0 ]; then
    user_line='user www-data;' pool_user=$'user = www-data\ngroup = www-data'
else
    user_line='' pool_user=''
fi

# Left out: what needs another server (ldap, krb, enigma's keys), what logs on by
# itself or out, and what only turns an inner wheel.
plugins=''
for name in acl additional_message_headers archive attachment_reminder \
    compose_addressbook contextmenu emoticons help hide_blockquote html5_notifier identicon \
    identity_select jqueryui listcommands managesieve markasjunk \
    message_highlight new_user_dialog newmail_notifier password reconnect \
    show_additional_headers subscriptions_option userinfo vcard_attachments zipdownload; do
    [ ! -e "/var/lib/roundcube/plugins/$name" ] || plugins+="'$name', "
done

mkdir -p "$STATE/roundcube/config" "$STATE/roundcube/temp" "$STATE/roundcube/logs" "$STATE/roundcube/sessions"
# Roundcube reads its defaults from the folder that holds its configuration.
ln -sf /etc/roundcube/defaults.inc.php /etc/roundcube/mimetypes.php "$STATE/roundcube/config/"
[ -e "$STATE/roundcube/des_key" ] || openssl rand -base64 18 >"$STATE/roundcube/des_key"
cat >"$STATE/roundcube/config/config.inc.php" <<PHP
<?php
\$config = [];
\$config['db_dsnw'] = 'sqlite:///$STATE/roundcube/rc.db?mode=0600';
\$config['imap_host'] = '127.0.0.1:$MAIL_IMAP_PORT';
\$config['smtp_host'] = '127.0.0.1:$MAIL_SMTP_PORT';
\$config['smtp_user'] = '';
\$config['smtp_pass'] = '';
\$config['mail_domain'] = '${MAIL_DOMAIN:-example.test}';
\$config['des_key'] = '$(cat "$STATE/roundcube/des_key")';
\$config['product_name'] = 'Internal Webmail';
\$config['plugins'] = [$plugins];
\$config['managesieve_host'] = '127.0.0.1:$MAIL_SIEVE_PORT';
\$config['managesieve_vacation'] = 1;
\$config['managesieve_forward'] = 1;
\$config['archive_mbox'] = 'Archive';
\$config['junk_mbox'] = 'Junk';
\$config['zipdownload_selection'] = true;
\$config['help_open_extwin'] = false;
\$config['skin'] = 'elastic';
\$config['language'] = 'en_US';
\$config['enable_spellcheck'] = true;
\$config['spellcheck_engine'] = 'pspell';
\$config['spellcheck_languages'] = ['en' => 'English'];
\$config['temp_dir'] = '$STATE/roundcube/temp/';
\$config['log_dir'] = '$STATE/roundcube/logs/';
\$config['log_driver'] = 'file';
\$config['session_lifetime'] = 30;
// The address that a proxy on this machine reports is believed.
\$config['proxy_whitelist'] = ['127.0.0.1'];
PHP
# The database is made from the shipped schema here, not at the first login.
if [ ! -s "$STATE/roundcube/rc.db" ]; then
    # shellcheck disable=SC2016
    php -r '$db = new PDO("sqlite:" . $argv[1]); $db->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
        $db->exec(file_get_contents($argv[2]));' "$STATE/roundcube/rc.db" /usr/share/roundcube/SQL/sqlite.initial.sql
fi
[ "$(id -u)" -ne 0 ] || chown -R www-data:www-data "$STATE/roundcube"

mkdir -p "$STATE/www"
ln -sfn "$docroot" "$STATE/www/webmail"
cat >"$STATE/fpm.conf" <<FPM
[global]
error_log = $STATE/log/fpm.log
daemonize = no
[webmail]
$pool_user
listen = $STATE/run/fpm.sock
listen.mode = 0666
pm = static
pm.max_children = 4
clear_env = yes
env[ROUNDCUBE_CONFIG_DIR] = $STATE/roundcube/config
php_admin_value[upload_max_filesize] = 24M
php_admin_value[post_max_size] = 25M
php_admin_value[session.save_path] = $STATE/roundcube/sessions
php_admin_value[upload_tmp_dir] = $STATE/roundcube/temp
php_admin_value[sys_temp_dir] = $STATE/roundcube/temp
FPM

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
    log_format seen escape=json '{"time":"\$time_iso8601","peer":"\$remote_addr","xff":"\$http_x_forwarded_for",'
        '"xfp":"\$http_x_forwarded_proto","host":"\$http_host","method":"\$request_method","uri":"\$request_uri",'
        '"proto":"\$server_protocol","tls":"\$ssl_protocol","cipher":"\$ssl_cipher","sni":"\$ssl_server_name",'
        '"reused":"\$ssl_session_reused","conn":\$connection,'
        '"conn_requests":\$connection_requests,"status":\$status,"sent":\$body_bytes_sent,'
        '"authorization":"\$http_authorization"}';
    access_log $STATE/log/nginx-access.json seen;
    client_body_temp_path $STATE/run/body;
    proxy_temp_path $STATE/run/proxy;
    fastcgi_temp_path $STATE/run/fastcgi;
    uwsgi_temp_path $STATE/run/uwsgi;
    scgi_temp_path $STATE/run/scgi;
    client_max_body_size 25m;
    server_tokens off;
    keepalive_timeout 30;
    server {
        listen 127.0.0.1:$RC_HTTPS_PORT ssl;
        server_name $INTERNAL_NAME;
        ssl_certificate $PKI_DIR/internal-ok.chain.pem;
        ssl_certificate_key $PKI_DIR/internal-ok.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:tls:1m;
        root $docroot;
        index index.php;
        location ^~ /webmail/ {
            root $STATE/www;
            try_files \$uri \$uri/ =404;
            location ~ \\.php\$ {
                try_files \$uri =404;
                include /etc/nginx/fastcgi_params;
                fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name;
                fastcgi_pass unix:$STATE/run/fpm.sock;
            }
        }
        location / {
            try_files \$uri \$uri/ =404;
        }
        location ~ \\.php\$ {
            try_files \$uri =404;
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name;
            fastcgi_pass unix:$STATE/run/fpm.sock;
        }
        location = /favicon.ico {
            rewrite ^ /skins/elastic/images/favicon.ico;
        }
    }
}
NGINX

fpm_args=(-F -y "$STATE/fpm.conf")
spawn fpm "$fpm" "${fpm_args[@]}"
spawn nginx nginx -c "$STATE/nginx.conf" -e "$STATE/log/nginx-error.log"
wait_for 10 'php-fpm' test -S "$STATE/run/fpm.sock"
wait_port "$RC_HTTPS_PORT"
wait "$mail_starting"
url=https://$INTERNAL_NAME:$RC_HTTPS_PORT/
wait_for 10 'the login page' curl -fsS --cacert "$PKI_DIR/internal-ca.crt" \
    --resolve "$INTERNAL_NAME:$RC_HTTPS_PORT:127.0.0.1" -o "$STATE/run/login.html" "$url"

cp "$STATE/mail/env" "$STATE/env"
put_env RC_URL "$url"
put_env RC_HTTPS_PORT "$RC_HTTPS_PORT"
put_env RC_NAME "$INTERNAL_NAME"
put_env RC_CA "$PKI_DIR/internal-ca.crt"
put_env RC_ACCESS_LOG "$STATE/log/nginx-access.json"
printf 'url   %s (name resolves to 127.0.0.1)\nca    %s\nusers alice / alice-secret-1, bob / bob-secret-2\n' \
    "$url" "$PKI_DIR/internal-ca.crt"
