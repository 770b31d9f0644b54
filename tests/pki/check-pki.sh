#!/bin/bash
# Proves that OpenSSL says of each certificate what manifest.tsv promises.
#   check-pki.sh PKI_DIR         (made first, when it is missing)
set -eu
"$(dirname "$0")/make-pki.sh" "${1:?usage: check-pki.sh PKI_DIR}"
pki=$1
INTERNAL_NAME=${INTERNAL_NAME:-webmail.internal.test}
bad=0
while IFS=$'\t' read -r name kind want; do
    args=(-auth_level 2 -untrusted "$pki/$name.chain.pem")
    case $kind in
    listener) args+=(-CAfile "$pki/public-ca.crt" -purpose sslserver) ;;
    upstream) args+=(-CAfile "$pki/internal-ca.crt" -purpose sslserver -verify_hostname "$INTERNAL_NAME") ;;
    client) args+=(-CAfile "$pki/internal-ca.crt" -purpose sslclient) ;;
    esac
    got=$(openssl verify "${args[@]}" "$pki/$name.crt" 2>&1 || true)
    case $want in
    ok) pattern="$name.crt: OK" ;;
    *)
        number=${want##*(}
        pattern="error ${number%)} at"
        ;;
    esac
    case $got in
    *"$pattern"*) printf 'ok %s\n' "$name" ;;
    *)
        bad=1
        printf 'not ok %s: wanted %s, got:\n%s\n' "$name" "$want" "$got"
        ;;
    esac
done <"$pki/manifest.tsv"
exit "$bad"
