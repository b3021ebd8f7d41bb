"""A TLS proxy in front of a gateway, like a load balancer: botocore sends API keys only over TLS."""

import datetime
import ipaddress
import socket
import socketserver
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class TlsFront(socketserver.ThreadingTCPServer):
    """Forwards TLS connections to `address`."""

    daemon_threads = True

    def __init__(self, address, folder):
        super().__init__(("127.0.0.1", 0), Connection)
        host, port = address.removeprefix("http://").split(":")
        self.target = host, int(port)
        self.certificate = str(folder / "certificate.pem")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(make_certificate(self.certificate))
        self.url = f"https://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()


class Connection(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            client = self.server.context.wrap_socket(self.request, server_side=True)
        except OSError:
            # The client closed the connection.
            return
        with client, socket.create_connection(self.server.target) as gateway:
            back = threading.Thread(target=pump, args=(gateway, client), daemon=True)
            back.start()
            pump(client, gateway)
            back.join()


def pump(source, sink):
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # Either side may close its connection first.
        pass


def make_certificate(file):
    """Writes a self-signed certificate for 127.0.0.1 and its key to `file`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway of a test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    with open(file, "wb") as pem:
        pem.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        pem.write(certificate.public_bytes(serialization.Encoding.PEM))
    return file
