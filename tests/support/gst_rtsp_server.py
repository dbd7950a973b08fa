"""Serve a recorded H.264 file over RTSP without encoding; run by the system's Python (GStreamer).

Prints its port on standard output and serves until it is killed. A login, if any, comes by the
environment (RTSP_USER, RTSP_PASSWORD): arguments are for all to see.
"""

import os
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402


def serve(file: str, path: str, port: int) -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service(str(port))
    factory = GstRtspServer.RTSPMediaFactory.new()
    factory.set_launch(
        f"( filesrc location={file} ! qtdemux ! h264parse config-interval=-1"
        " ! rtph264pay name=pay0 pt=96 )"
    )
    if "RTSP_USER" in os.environ:
        require_login(server, factory, os.environ["RTSP_USER"], os.environ["RTSP_PASSWORD"])
    server.get_mount_points().add_factory(path, factory)
    if server.attach(None) == 0:
        sys.exit("the RTSP server cannot listen")
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


def require_login(
    server: GstRtspServer.RTSPServer,
    factory: GstRtspServer.RTSPMediaFactory,
    user: str,
    password: str,
) -> None:
    """Digest authentication, as cameras have it."""
    auth = GstRtspServer.RTSPAuth.new()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions.new()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
