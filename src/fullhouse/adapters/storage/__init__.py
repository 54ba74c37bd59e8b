"""Where pictures lie: a folder of this machine, or a storage that speaks S3."""

from pathlib import Path
from urllib.parse import urlsplit

from fullhouse.adapters.storage.objects import ObjectStorage, bucket, folder
from fullhouse.media.storage import Storage

__all__ = ["storage"]


def storage(
    path: Path,
    *,
    s3_bucket: str | None = None,
    s3_endpoint: str | None = None,
    s3_region: str = "us-east-1",
    s3_access_key_id: str | None = None,
    s3_secret_access_key: str | None = None,
    s3_path_style: bool = True,
    public_url: str | None = None,
) -> Storage:
    """The storage for these settings: the folder, unless a bucket is named.

    Args:
        path: the folder; made when it is first needed.
        s3_bucket: the bucket, which must exist.
        s3_endpoint: of another storage than Amazon's, http://… or https://….
        s3_region: what requests are signed for.
        s3_access_key_id: with the secret key; without both, what the machine itself has.
        s3_secret_access_key: signs requests.
        s3_path_style: whether the bucket is named in the path, or in the host.
        public_url: under which everybody can read the objects of ``pictures/``.

    Raises ValueError with one line that names the setting and repeats no secret.
    """
    _check_address("media_public_url", public_url)
    base = None if public_url is None else public_url.rstrip("/")
    if s3_bucket is None:
        if s3_endpoint or s3_access_key_id or s3_secret_access_key:
            raise ValueError("media_s3_bucket must be set for the other settings of S3 to count")
        return ObjectStorage(folder(path), base)
    _check_address("media_s3_endpoint", s3_endpoint)
    if bool(s3_access_key_id) != bool(s3_secret_access_key):
        raise ValueError(
            "media_s3_access_key_id and media_s3_secret_access_key go together, or neither is set"
        )
    return ObjectStorage(
        bucket(
            s3_bucket,
            endpoint=s3_endpoint,
            region=s3_region,
            keys=None
            if s3_access_key_id is None or s3_secret_access_key is None
            else (s3_access_key_id, s3_secret_access_key),
            path_style=s3_path_style,
        ),
        base,
        described=True,
    )


def _check_address(setting: str, address: str | None) -> None:
    if address is None:
        return
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError(f"{setting} must be http://… or https://… and hold no password")
