"""The certificates of one run, made by openssl in about a second."""

import os
import subprocess

from process import BenchError

NAME = "bench.test"  # what clients ask for
UPSTREAM_NAME = "upstream.bench.test"  # what the proxies verify


class Pki:
    """A CA of this run; an ECDSA and two RSA certificates for NAME, one for inside."""

    def __init__(self, folder):
        self.folder = folder
        os.mkdir(folder, 0o755)
        self.ca = f"{folder}/ca.pem"
        self._key("ca", "ecdsa")
        self._openssl(
            "req -x509 -new -key ca.key -subj /CN=bench-ca -days 7 -out ca.pem"
            " -addext basicConstraints=critical,CA:TRUE"
            " -addext keyUsage=critical,keyCertSign"
        )
        self.ecdsa = self._leaf("ecdsa", "ecdsa", [NAME])
        self.rsa = self._leaf("rsa", "rsa", [NAME])
        self.rsa4096 = self._leaf("rsa4096", "rsa4096", [NAME])
        # H2O can only be told to verify the name that it dials, hence the second one.
        self.upstream = self._leaf("upstream", "ecdsa", [UPSTREAM_NAME, "localhost"])

    def _openssl(self, arguments):
        done = subprocess.run(
            ["openssl", *arguments.split()],
            cwd=self.folder,
            env={**os.environ, "OPENSSL_CONF": "/dev/null"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode != 0:
            raise BenchError(f"openssl {arguments}: {done.stderr.strip()}")

    def _key(self, name, kind):
        options = {
            "ecdsa": "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            "rsa": "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
            "rsa4096": "-algorithm RSA -pkeyopt rsa_keygen_bits:4096",
        }
        self._openssl(f"genpkey {options[kind]} -out {name}.key")
        os.chmod(f"{self.folder}/{name}.key", 0o600)

    def _leaf(self, name, kind, names):
        with open(f"{self.folder}/{name}.ext", "w") as extensions:
            extensions.write(
                f"subjectAltName={','.join('DNS:' + n for n in names)}\n"
                "basicConstraints=critical,CA:FALSE\n"
                "keyUsage=critical,digitalSignature\n"
                "extendedKeyUsage=serverAuth\n"
            )
        self._key(name, kind)
        self._openssl(f"req -new -key {name}.key -subj /CN={names[0]} -out {name}.csr")
        self._openssl(
            f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial"
            f" -days 7 -sha256 -extfile {name}.ext -out {name}.pem"
        )
        self._join(name)
        return Certificate(f"{self.folder}/{name}")

    def _join(self, name):
        """HAProxy wants certificate and key in one file."""
        path = f"{self.folder}/{name}"
        with open(os.open(f"{path}.both", os.O_CREAT | os.O_WRONLY, 0o600), "w") as both:
            for part in ("pem", "key"):
                with open(f"{path}.{part}") as source:
                    both.write(source.read())


class Certificate:
    def __init__(self, path):
        self.chain = f"{path}.pem"
        self.key = f"{path}.key"
        self.both = f"{path}.both"
