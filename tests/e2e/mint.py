"""Certificates for a single scene, when those that all share (tests/pki) do not fit."""

import subprocess
from datetime import datetime, timedelta, timezone

from actors import INTERNAL_NAME

SERVER = (
    "basicConstraints = critical,CA:FALSE",
    "keyUsage = critical,digitalSignature",
    "extendedKeyUsage = serverAuth",
)
NAMED = (*SERVER, f"subjectAltName = DNS:{INTERNAL_NAME},IP:127.0.0.1")


def mint(pki, folder, name, extensions=NAMED, lifetime=timedelta(days=1)):
    """Signed by the internal authority. Returns what Upstream(certificate=...) takes,
    and when it ends."""

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    ends = (datetime.now(timezone.utc) + lifetime).replace(microsecond=0)
    (folder / f"{name}.cnf").write_text(
        "[req]\ndistinguished_name = dn\nprompt = no\n"
        f"[dn]\nCN = {INTERNAL_NAME}\n"
        "[ext]\n" + "\n".join(extensions) + "\n"
        "[ca]\ndefault_ca = me\n"
        f"[me]\ndatabase = {name}.index\nrand_serial = yes\nnew_certs_dir = .\ndefault_md = sha256\n"
        f"policy = any\ncertificate = {pki}/internal-ca.crt\nprivate_key = {pki}/internal-ca.key\n"
        "[any]\ncommonName = supplied\n"
    )
    (folder / f"{name}.index").write_text("")
    openssl(
        *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"),
        *("-config", f"{name}.cnf", "-keyout", f"{name}.key", "-out", f"{name}.csr"),
    )
    openssl(
        *("ca", "-batch", "-notext", "-config", f"{name}.cnf", "-extensions", "ext"),
        *("-startdate", "20200101000000Z", "-enddate", ends.strftime("%Y%m%d%H%M%SZ")),
        *("-in", f"{name}.csr", "-out", f"{name}.chain.pem"),
    )
    return str(folder / name), ends
