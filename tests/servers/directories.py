"""Real directories of this machine: OpenLDAP's slapd, and Samba as an Active Directory domain controller.

Both are Debian packages; each runs on loopback with a certificate that is made for the run.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ldap3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
PASSWORD = "Canary-Directory-5e1f"
START_SECONDS = 60.0
SCHEMAS = ("core", "cosine", "nis", "inetorgperson")


@dataclass(frozen=True)
class Directory:
    """One running directory.

    Attributes:
        host: its address.
        port, tls_port: of LDAP, and of LDAP over TLS.
        base: the DN of everything.
        admin: the DN of who may do everything; `PASSWORD` is the password.
        authority: the file of the certificate authority.
    """

    host: str
    port: int
    tls_port: int
    base: str
    admin: str
    authority: str

    def connect(self, user: str = "") -> ldap3.Connection:
        """Return a connection for looking and changing without the provider."""
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=self.authority)
        server = ldap3.Server(self.host, port=self.tls_port, use_ssl=True, tls=tls, get_info=ldap3.NONE)
        return ldap3.Connection(server, user or self.admin, PASSWORD, auto_bind=True)


def missing_openldap() -> str:
    """Say why slapd cannot run here; empty where it can."""
    return "" if shutil.which("slapd", path=_PATH) else "OpenLDAP (the Debian package slapd)"


def missing_samba() -> str:
    """Say why Samba cannot run here; empty where it can."""
    found = shutil.which("samba", path=_PATH) and shutil.which("samba-tool", path=_PATH)
    return "" if found else "Samba (the Debian packages samba, samba-ad-provision and samba-vfs-modules)"


_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


@contextmanager
def openldap(*, durable: bool = True) -> Iterator[Directory]:
    """Run slapd without overlays: what it does not do itself, the provider must."""
    with tempfile.TemporaryDirectory(prefix="reconciler-slapd-") as name:
        folder = Path(name)
        make_certificate(folder, HOST)
        (folder / "data").mkdir()
        (folder / "slapd.conf").write_text(_slapd_conf(folder, "" if durable else "dbnosync\n"), encoding="utf-8")
        port, tls_port = _free_port(), _free_port()
        urls = f"ldap://{HOST}:{port} ldaps://{HOST}:{tls_port}"
        command = ["/usr/sbin/slapd", "-d", "0", "-h", urls, "-f", str(folder / "slapd.conf")]
        authority = str(folder / "ca.pem")
        with _running(command, folder, lambda: _listens(HOST, tls_port)):
            found = Directory(HOST, port, tls_port, "dc=acme,dc=example", "cn=admin,dc=acme,dc=example", authority)
            connection = found.connect()
            connection.add(found.base, ["domain"], {"dc": "acme"})
            connection.unbind()
            yield found


def _slapd_conf(folder: Path, more: str) -> str:
    includes = "".join(f"include /etc/ldap/schema/{name}.schema\n" for name in SCHEMAS)
    return f"""\
{includes}modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
TLSCACertificateFile {folder}/ca.pem
sizelimit unlimited
database config
rootdn cn=config
rootpw {PASSWORD}
database mdb
suffix dc=acme,dc=example
rootdn cn=admin,dc=acme,dc=example
rootpw {PASSWORD}
directory {folder}/data
maxsize 268435456
index entryUUID,uid,cn,member eq
{more}access to attrs=userPassword by * auth
access to * by * write
"""


@contextmanager
def samba() -> Iterator[Directory]:
    """Run a domain controller with its directory alone; its ports are fixed, so that it gets an address of its own."""
    with tempfile.TemporaryDirectory(prefix="reconciler-samba-") as name:
        folder = Path(name)
        host = f"127.77.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"
        _provision(folder, host)
        make_certificate(folder, host)
        conf = folder / "etc" / "smb.conf"
        conf.write_text(_smb_conf(conf.read_text(encoding="utf-8"), folder), encoding="utf-8")
        command = ["/usr/sbin/samba", "-F", "--no-process-group", "-M", "single", "-s", str(conf)]
        with _running(command, folder, lambda: _listens(host, 636)):
            base = "DC=acme,DC=example"
            admin = f"CN=Administrator,CN=Users,{base}"
            yield Directory(host, 389, 636, base, admin, str(folder / "ca.pem"))


def _provision(folder: Path, host: str) -> None:
    options = ["--option=bind interfaces only=yes", f"--option=interfaces={host}/8"]
    domain = ["--realm=ACME.EXAMPLE", "--domain=ACME", "--server-role=dc", "--dns-backend=NONE", "--host-name=dc1"]
    command = ["/usr/bin/samba-tool", "domain", "provision", *domain, f"--host-ip={host}"]
    command += [f"--adminpass={PASSWORD}", f"--targetdir={folder}", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _smb_conf(made: str, folder: Path) -> str:
    """Return the configuration for a directory alone: no files, names, tickets."""
    ours = {
        "server services": "ldap",
        "log file": f"{folder}/%m.log",
        "pid directory": f"{folder}/run",
        "ncalrpc dir": f"{folder}/ncalrpc",
        "tls certfile": f"{folder}/cert.pem",
        "tls keyfile": f"{folder}/key.pem",
        "tls cafile": f"{folder}/ca.pem",
    }
    (folder / "run").mkdir()
    kept = [line for line in made.splitlines() if line.split("=")[0].strip() not in ours]
    at = next(number for number, line in enumerate(kept) if line.strip() == "[global]") + 1
    return "\n".join([*kept[:at], *(f"\t{key} = {value}" for key, value in ours.items()), *kept[at:], ""])


def make_certificate(folder: Path, host: str) -> None:
    """Write `ca.pem`, `cert.pem` and `key.pem` for an address."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("authority", authority_key, "authority", authority_key, authority=True)
    names: Sequence[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(host))]
    certificate = _certificate(host, key, "authority", authority_key, names=names)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    kind = serialization.PrivateFormat.TraditionalOpenSSL
    secret = folder / "key.pem"
    secret.touch(0o600)
    secret.write_bytes(key.private_bytes(pem, kind, serialization.NoEncryption()))


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    by: str,
    signer: ec.EllipticCurvePrivateKey,
    *,
    names: Sequence[x509.GeneralName] = (),
    authority: bool = False,
) -> x509.Certificate:
    def called(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(called(by), called(name), key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(days=1))
    builder = builder.not_valid_after(now + dt.timedelta(days=30))
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


@contextmanager
def _running(command: Sequence[str], folder: Path, is_up: Callable[[], bool]) -> Iterator[None]:
    """Run a server until the block ends; it is up when it answers."""
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            until = time.monotonic() + START_SECONDS
            while not is_up():
                said = (folder / "output").read_text(encoding="utf-8", errors="replace")
                assert process.poll() is None, said
                assert time.monotonic() < until, said
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    with openldap() if sys.argv[1:] == ["openldap"] else samba() as running:
        print(running)
        print(running.connect().extend.standard.who_am_i())
