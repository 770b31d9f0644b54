#!/bin/bash
# Publishes a real Roundcube through postern until Ctrl-C.
#
#   demo.sh POSTERN
#
# All that it writes lies in one folder under /tmp, which goes when it ends.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
# shellcheck source=lib.sh
. "$here/lib.sh"

postern=$(readlink -f "${1:?usage: demo.sh POSTERN}")
if [ -z "${RC_URL:-}" ]; then
    exec "$here/with.sh" roundcube -- "$0" "$postern"
fi

folder=${PKI_DIR%/*}
# With its root, so that check has nothing to remark.
cat "$PKI_DIR/public-ec.chain.pem" "$PKI_DIR/public-ca.crt" >"$folder/chain.pem"
port=8443
if port_open "$port"; then
    port=$(free_ports 1)
fi
{
    cat <<YAML
version: 1
listeners:
  public:
    address: "127.0.0.1:$port"
    publish:
      localhost:
        certificate: $folder/chain.pem
        key: file:$PKI_DIR/public-ec.key
        application: roundcube
        upstream: roundcube
upstreams:
  roundcube:
    servers: ["https://127.0.0.1:$RC_HTTPS_PORT"]
    verify: {ca: $RC_CA, name: $RC_NAME}
log:
  to: file:$folder/postern.log
YAML
    # Whoever starts as root says whom to become.
    [ "$(id -u)" -ne 0 ] || echo 'user: nobody'
} >"$folder/postern.yaml"

cat <<TEXT

  A real Roundcube, published by postern:

    https://localhost:$port/

    alice   $MAIL_ALICE_PASSWORD     (three messages, one with an attachment)
    bob     $MAIL_BOB_PASSWORD

  The browser does not know this authority, so it asks once whether to go on:
    $PKI_DIR/public-ca.crt

  configuration   $folder/postern.yaml
  what it logs    tail -f $folder/postern.log
  to stop         Ctrl-C; then all of this is gone

TEXT
# Ctrl-C reaches postern by itself; this shell waits until it has ended.
trap : INT
"$postern" run --config "$folder/postern.yaml"
