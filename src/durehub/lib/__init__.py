"""What several rooms of the hub need and no library has: identifiers, hashes of secrets, files as attachments."""

from durehub.lib.attachment import attachment
from durehub.lib.secret import digest_of, new_id, new_secret

__all__ = ["attachment", "digest_of", "new_id", "new_secret"]
