"""An sftp server on loopback: `python sftp_server.py FOLDER` serves it to ada, password `secret`.

Prints its port, and its host key as `known_hosts` holds it; ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import sys

import asyncssh


class Server(asyncssh.SSHServer):
    def begin_auth(self, _username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("ada", "secret")


async def serve(folder: str) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")

    def chrooted(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=folder.encode())

    listening = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=Server, server_host_keys=[key], sftp_factory=chrooted
    )
    sys.stdout.write(f"{listening.get_port()}\n{key.export_public_key().decode().strip()}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(serve(sys.argv[1]))
