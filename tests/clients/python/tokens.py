"""An identity provider for tests: it publishes a key over HTTP and signs JWTs with it."""

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# A key for these tests only: RSA with 2048 bits and the exponent 65537.
MODULUS = int(
    "e476f3e1f099a5c66c8549a7504163d85b42338ad8cd468926e9e689ef05d17226984da7ef4d5dbc1c8c552636f7684d"
    "9e4230f35deca395ca957c9bfa1cdf935fe9d8ff5f5ad6afa1da15491cdd5869c9d8807ab07e0776840c4c23f1596aea"
    "7f3578b4d33d257ef8d0e60e27522a9832951f9546c86eec9478fa59d6508bdc8e70ee345ea010d96886072945557ee9"
    "4f081befbefbb819a7cf8a7de02117898056f81a60a16d89a068c63502ad798038ddea35921e546b6110139180585f54"
    "5daccf660644fbe3470d29d4edfe1345fcf4dd99f1a38341496188965a34a5f12091a4916dfd4669c8a908a5492dccec"
    "f9f0e598ff6a7a9f49f8e1a59600827f",
    16,
)
PRIVATE_EXPONENT = int(
    "28bb6f6b80359ec2e041dd72be5ad2e8218001e1f2483e2f8442099f7f682b998d051781d5040bf3a8063ff3c6104792"
    "8371d2629160b23835790b971acabc8042b510083d8221a49463c3307ba4f5314fefb3d571c7d7e6f67e29550ace44f1"
    "98853464719090ebeb108dadd28080d4b052e8e1846757c83064c4322027ff0d0d53c8ae3a9218a8fff1e9667494d46a"
    "d64f91ab4aec7e2556f9159296441a9b6eb65fa3f08120245bdd958a22d8b8acf246ad1d918bee8ae4276aaaae88f22e"
    "6979adeb6289aeecec96e19e8c28be6cb65e74cc61a92caa5399eac025ad304d22476672b35cc98e8f5891b20189f666"
    "9aa76bb5b1903f3d7c2a59453e81961",
    16,
)

# The beginning of what is signed: SHA-256 in DER (RFC 8017, section 9.2).
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")

AUDIENCE = "llm-gateway"


class IdentityProvider:
    """Publishes the key below its issuer's URL, until the test ends."""

    def __init__(self):
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps(provider.document(self.path)).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def document(self, path):
        if path == "/keys":
            key = {"kty": "RSA", "kid": "test", "use": "sig", "alg": "RS256"}
            return {"keys": [{**key, "n": encoded(MODULUS.to_bytes(256)), "e": "AQAB"}]}
        return {"issuer": self.issuer, "jwks_uri": self.issuer + "/keys"}

    def token(self, user, **claims):
        """A token of `user` for the gateway, with other or more claims."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": AUDIENCE, "sub": user, "iat": now, "exp": now + 600, **claims}
        return signed(claims)

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


def signed(claims):
    parts = ({"alg": "RS256", "typ": "JWT", "kid": "test"}, claims)
    message = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    digest = DIGEST_INFO + hashlib.sha256(message.encode()).digest()
    padded = b"\0\1" + b"\xff" * (256 - 3 - len(digest)) + b"\0" + digest
    signature = pow(int.from_bytes(padded), PRIVATE_EXPONENT, MODULUS)
    return f"{message}.{encoded(signature.to_bytes(256))}"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
