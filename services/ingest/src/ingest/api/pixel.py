"""The image that tracking pixels are answered with: a GIF of one transparent dot, not to be kept by any cache."""

from base64 import b64decode

from ingest.api.answers import Answer

PIXEL = Answer(
    200,
    b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"),
    b"image/gif",
    ((b"cache-control", b"no-store"),),
)
