#!/bin/bash
# Makes the certificates that the tests need, good and bad, in about a second.
#
#   make-pki.sh OUT_DIR
#
# Does nothing when OUT_DIR holds a finished set of the last 20 days and of this script. Every NAME has
# NAME.key, NAME.crt (the leaf alone), NAME.chain.pem (the leaf, then what a server
# sends after it) and, for listeners, NAME.pem (chain and key in one file).
# manifest.tsv lists NAME, KIND and what a verifier should say (the number is
# OpenSSL's); check-pki.sh proves it.
#
# The two names can be changed from outside: PUBLIC_NAME is what browsers use,
# INTERNAL_NAME what postern verifies.
set -eu

PUBLIC_NAME=${PUBLIC_NAME:-mail.example.test}
INTERNAL_NAME=${INTERNAL_NAME:-webmail.internal.test}
[ -n "${1:-}" ] || {
    echo "usage: ${0##*/} OUT_DIR" >&2
    exit 2
}
mkdir -p "$1"
out=$(cd "$1" && pwd -P)
# Two test runs may share a build folder: the second one waits, and finds all made.
exec 9>"$out/.lock"
flock 9
if [ -n "$(find "$out/manifest.tsv" -mtime -20 -newer "$0" 2>/dev/null)" ]; then
    exit 0
fi
work=$(mktemp -d "$out/.making.XXXXXX")
trap 'rm -rf "$work"' EXIT
umask 077
# No settings but those written below, and no RANDFILE in $HOME.
export OPENSSL_CONF=/dev/null RANDFILE=/dev/null

stamp() { date -u -d "$1" +%Y%m%d%H%M%SZ; }
BEGIN=$(stamp '-1 day')
END=$(stamp '+90 days')
LONG_AGO=$(stamp '-30 days')
JUST_NOW=$(stamp '-1 hour')
NEXT_WEEK=$(stamp '+7 days')
NEXT_MONTH=$(stamp '+30 days')

note() { # NAME KIND EXPECTED
    printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$work/manifest.tsv"
}

genkey() { # FILE ec|rsa|rsa1024
    case $2 in
    ec) openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" ;;
    rsa) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1" ;;
    rsa1024) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out "$1" ;;
    esac 2>/dev/null
}

# 'openssl ca' alone can date a certificate into the past; it wants a database.
new_db() { # CA
    local d=$work/db.$1
    mkdir "$d"
    : >"$d/index.txt"
    echo unique_subject=no >"$d/index.txt.attr"
    cat >"$d/ca.cnf" <<CNF
[ca]
default_ca = me
[me]
database = $d/index.txt
rand_serial = yes
new_certs_dir = $d
certificate = $work/$1.crt
private_key = $work/$1.key
default_md = sha256
policy = any
copy_extensions = none
[any]
organizationName = optional
commonName = supplied
CNF
}

self_signed() { # NAME CN <extensions
    genkey "$work/$1.key" ec
    {
        printf '[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=ext\n[dn]\nO=Postern Test\nCN=%s\n[ext]\n' "$2"
        cat
    } >"$work/self.cnf"
    openssl req -x509 -new -config "$work/self.cnf" -key "$work/$1.key" -sha256 -days 90 -out "$work/$1.crt"
    cp "$work/$1.crt" "$work/$1.chain.pem"
}

make_root() { # NAME CN
    self_signed "$1" "$2" <<'EXT'
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
EXT
    new_db "$1"
}

# issue CA NAME KEY_TYPE CN BEGIN END <extensions
issue() {
    local ca=$1 name=$2
    genkey "$work/$name.key" "$3"
    {
        echo 'subjectKeyIdentifier = hash'
        echo 'authorityKeyIdentifier = keyid'
        cat
    } >"$work/$name.ext"
    printf '[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nO=Postern Test\nCN=%s\n' "$4" >"$work/$name.cnf"
    openssl req -new -config "$work/$name.cnf" -key "$work/$name.key" -out "$work/$name.csr"
    openssl ca -batch -notext -config "$work/db.$ca/ca.cnf" -startdate "$5" -enddate "$6" \
        -extfile "$work/$name.ext" -in "$work/$name.csr" -out "$work/$name.crt" 2>"$work/ca.err" || {
        cat "$work/ca.err" >&2
        exit 1
    }
    cp "$work/$name.crt" "$work/$name.chain.pem"
}

leaf() { # SAN [EKU]
    cat <<EXT
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = ${2:-serverAuth}
subjectAltName = $1
EXT
}

send_along() { # NAME CA: the server sends this CA after its leaf
    cat "$work/$2.crt" >>"$work/$1.chain.pem"
}

intermediate() { # ROOT NAME CN
    issue "$1" "$2" ec "$3" "$BEGIN" "$END" <<'EXT'
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
EXT
    new_db "$2"
}

# The public side: root, intermediate, and what the listener presents.
make_root public-ca 'Test Public Root'
intermediate public-ca public-int 'Test Public Issuing CA'
public_san="DNS:$PUBLIC_NAME,DNS:autodiscover.${PUBLIC_NAME#*.},DNS:localhost,IP:127.0.0.1,IP:::1"
public() { # NAME KEY_TYPE CN BEGIN END SAN EXPECTED
    issue public-int "$1" "$2" "$3" "$4" "$5" < <(leaf "$6")
    send_along "$1" public-int
    note "$1" listener "$7"
}
public public-ec ec "$PUBLIC_NAME" "$BEGIN" "$END" "$public_san" ok
public public-rsa rsa "$PUBLIC_NAME" "$BEGIN" "$END" "$public_san" ok
public public-second ec webmail.second.test "$BEGIN" "$END" DNS:webmail.second.test ok
public public-wildcard ec '*.wild.test' "$BEGIN" "$END" 'DNS:*.wild.test' ok
public public-ending ec "$PUBLIC_NAME" "$BEGIN" "$NEXT_WEEK" "$public_san" ok
public public-expired ec "$PUBLIC_NAME" "$LONG_AGO" "$JUST_NOW" "$public_san" 'certificate has expired (10)'
public public-notyet ec "$PUBLIC_NAME" "$NEXT_WEEK" "$END" "$public_san" 'certificate is not yet valid (9)'
issue public-int public-nochain ec "$PUBLIC_NAME" "$BEGIN" "$END" < <(leaf "$public_san")
note public-nochain listener 'unable to get local issuer (20)'

# The internal side: what the webmail front-end presents to postern.
make_root internal-ca 'Test Internal Root'
intermediate internal-ca internal-int 'Test Internal Issuing CA'
internal_san="DNS:$INTERNAL_NAME,DNS:localhost,IP:127.0.0.1,IP:::1"
internal() { # NAME KEY_TYPE BEGIN END SAN EXPECTED [EKU]
    issue internal-ca "$1" "$2" "$INTERNAL_NAME" "$3" "$4" < <(leaf "$5" "${7:-}")
    note "$1" upstream "$6"
}
internal internal-ok ec "$BEGIN" "$END" "$internal_san" ok
internal internal-rsa rsa "$BEGIN" "$END" "$internal_san" ok
internal internal-expired ec "$LONG_AGO" "$JUST_NOW" "$internal_san" 'certificate has expired (10)'
internal internal-notyet ec "$NEXT_MONTH" "$END" "$internal_san" 'certificate is not yet valid (9)'
# Its CN is right, which must not help: the SAN alone counts (RFC 9525, 2).
internal internal-wrongname ec "$BEGIN" "$END" DNS:other.internal.test 'hostname mismatch (62)'
internal internal-clienteku ec "$BEGIN" "$END" "$internal_san" 'unsuitable certificate purpose (26)' clientAuth
internal internal-rsa1024 rsa1024 "$BEGIN" "$END" "$internal_san" 'key too small at security level 2 (66)'
issue internal-int internal-viaint ec "$INTERNAL_NAME" "$BEGIN" "$END" < <(leaf "$internal_san")
for suffix in key crt chain.pem; do
    cp "$work/internal-viaint.$suffix" "$work/internal-nochain.$suffix"
done
send_along internal-viaint internal-int
note internal-viaint upstream ok
note internal-nochain upstream 'unable to get local issuer (20)'
self_signed internal-selfsigned "$INTERNAL_NAME" < <(leaf "$internal_san")
note internal-selfsigned upstream 'self-signed certificate (18)'
# As Exchange makes its own: signed by itself, here with a key that outlived a renewal.
resigned() { # NAME BEGIN END EXPECTED: the same key and names in another certificate
    cp "$work/internal-selfsigned.key" "$work/$1.key"
    printf '[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nO=Postern Test\nCN=%s\n' "$INTERNAL_NAME" >"$work/$1.cnf"
    openssl req -new -config "$work/$1.cnf" -key "$work/$1.key" -out "$work/$1.csr"
    mkdir "$work/db.$1"
    : >"$work/db.$1/index.txt"
    leaf "$internal_san" >"$work/$1.ext"
    openssl ca -selfsign -batch -notext -config <(
        printf '[ca]\ndefault_ca=me\n[me]\ndatabase=%s\nrand_serial=yes\nnew_certs_dir=%s\n' "$work/db.$1/index.txt" "$work/db.$1"
        printf 'default_md=sha256\npolicy=any\n[any]\norganizationName=optional\ncommonName=supplied\n'
    ) -keyfile "$work/$1.key" -startdate "$2" -enddate "$3" -extfile "$work/$1.ext" \
        -in "$work/$1.csr" -out "$work/$1.crt" 2>"$work/ca.err" || {
        cat "$work/ca.err" >&2
        exit 1
    }
    cp "$work/$1.crt" "$work/$1.chain.pem"
    note "$1" upstream "$4"
}
resigned internal-selfsigned-renewed "$BEGIN" "$END" 'self-signed certificate (18)'
resigned internal-selfsigned-expired "$LONG_AGO" "$JUST_NOW" 'self-signed certificate (18)'
make_root rogue-ca 'Test Rogue Root'
issue rogue-ca rogue-server ec "$INTERNAL_NAME" "$BEGIN" "$END" < <(leaf "$internal_san")
note rogue-server upstream 'unable to get local issuer (20)'

# What postern shows to an upstream that asks for a certificate.
issue internal-ca client-proxy ec postern "$BEGIN" "$END" < <(leaf DNS:proxy.internal.test clientAuth)
note client-proxy client ok

while read -r name kind _; do
    [ "$kind" != listener ] || cat "$work/$name.chain.pem" "$work/$name.key" >"$work/$name.pem"
done <"$work/manifest.tsv"
rm -rf "$work"/db.* "$work"/*.cnf "$work"/*.ext "$work"/*.csr "$work/ca.err"
# Certificates are for everyone; keys are read before anybody gives up root.
chmod 644 "$work"/*.crt "$work"/*.chain.pem
chmod 755 "$out"
# The manifest comes last: it says that the set is whole.
mv "$work/manifest.tsv" "$work.manifest"
mv -f "$work"/* "$out/"
mv "$work.manifest" "$out/manifest.tsv"
