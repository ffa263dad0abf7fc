"""A local server that speaks the two protocols of a managed tuning: tuning jobs, and the objects of Cloud Storage."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class FakeService:
    """``refusals`` are status codes that the next posts of jobs are answered with; ``states`` those that a job goes through, one
    each time somebody asks. ``lost``: the next job starts, but its answer never arrives."""

    url: str = ""
    refusals: list[int] = field(default_factory=list)
    states: list[str] = field(default_factory=lambda: ["SUCCEEDED"])
    lost: bool = False
    posts: int = 0
    jobs: list[dict[str, Any]] = field(default_factory=list)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    uploads: int = 0

    def listed(self, pattern: str) -> list[dict[str, Any]]:
        wanted = re.fullmatch(r'labels\.request="([^"]*)"', pattern)
        return [job for job in self.jobs if wanted is None or job["labels"]["request"] == wanted[1]]

    def asked(self, name: str) -> dict[str, Any]:
        job = next(job for job in self.jobs if job["name"] == name)
        if self.states:
            job["state"] = f"JOB_STATE_{self.states.pop(0)}"
        if job["state"] == "JOB_STATE_FAILED":
            job["error"] = {"code": 3, "message": "row 3: 'my secret' is too long"}
        return job


@contextmanager
def serving() -> Iterator[FakeService]:
    fake = FakeService()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def reply(self, code: int, content: Any, kind: str = "application/json", **headers: str) -> None:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(code)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def refuse(self, code: int) -> None:
            self.reply(code, {"error": {"code": code, "message": "no", "status": "X"}})

        def body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def do_POST(self) -> None:
            url, body = urlsplit(self.path), self.body()
            if url.path.startswith("/upload/storage/v1/"):
                self.upload(url.path.split("/")[5], body)
                return
            fake.posts += 1
            if fake.refusals:
                self.refuse(fake.refusals.pop(0))
                return
            place = url.path.split("/v1beta1/")[1]
            job = {**json.loads(body), "name": f"{place}/{len(fake.jobs) + 1}", "state": "JOB_STATE_PENDING"}
            fake.jobs.append(job)
            if fake.lost:
                fake.lost = False
                self.close_connection = True
                self.connection.close()
                return
            self.reply(200, job)

        def upload(self, bucket: str, body: bytes) -> None:
            boundary = body.partition(b"\r\n")[0]
            described, content = body.split(boundary)[1:3]
            name = json.loads(described.partition(b"\r\n\r\n")[2])["name"]
            if (bucket, name) in fake.objects:
                self.refuse(412)
                return
            fake.uploads += 1
            fake.objects[bucket, name] = content.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
            self.reply(200, self.described(bucket, name))

        def described(self, bucket: str, name: str) -> dict[str, str]:
            content = fake.objects[bucket, name]
            md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
            return {"name": name, "bucket": bucket, "size": str(len(content)), "md5Hash": md5, "generation": "1"}

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            if "/v1beta1/" in url.path:
                place = url.path.split("/v1beta1/")[1]
                if place.endswith("/tuningJobs"):
                    self.reply(200, {"tuningJobs": fake.listed(query.get("filter", ""))})
                else:
                    self.reply(200, fake.asked(place))
                return
            parts = url.path.split("/b/")[1].split("/", 2)
            bucket, name = parts[0], unquote(parts[2]) if len(parts) > 2 else ""
            if not name:
                found = sorted(n for b, n in fake.objects if b == bucket and n.startswith(query.get("prefix", "")))
                self.reply(200, {"items": [self.described(bucket, n) for n in found]})
            elif (bucket, name) not in fake.objects:
                self.refuse(404)
            elif query.get("alt") == "media":
                md5 = self.described(bucket, name)["md5Hash"]
                self.reply(200, fake.objects[bucket, name], "application/octet-stream", **{"x-goog-hash": f"md5={md5}"})
            else:
                self.reply(200, self.described(bucket, name))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
