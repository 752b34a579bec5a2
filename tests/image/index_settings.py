"""
Write into a folder where this machine's pip finds packages, and the authorities that it trusts.

`pip.conf` and `ca.pem` are handed to the image's build as secrets, which stand in no layer.
"""

import ast
import ssl
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

CA = "/run/secrets/ca.pem"
MARK = "what-no-layer-may-hold-8d1f0c6be2"
"""Read by nothing: where it is found in an image, so are the other lines."""
CARRIED = ("index-url", "extra-index-url", "trusted-host", "timeout", "retries")


def main(folder: Path) -> None:
    """Ask pip; settings that name files of this machine mean nothing inside, and are left out."""
    asked = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    found = dict(line.split("=", 1) for line in listed.splitlines() if "=" in line)
    said = {name.split(".", 1)[1]: ast.literal_eval(value) for name, value in found.items()}
    said = {
        name: " ".join(word for word in said[name].split() if not word.startswith("file:"))
        for name in CARRIED
        if name in said
    }
    authorities = Path(said_authorities(found))
    config = ConfigParser(interpolation=None)
    config["global"] = {name: value for name, value in said.items() if value} | {"cert": CA}
    config["seal"] = {"mark": MARK}
    with (folder / "pip.conf").open("w") as written:
        config.write(written)
    (folder / "ca.pem").write_bytes(authorities.read_bytes())


def said_authorities(found: dict[str, str]) -> str:
    """Return the file of the authorities that pip trusts here."""
    for name, value in found.items():
        if name.endswith(".cert"):
            return ast.literal_eval(value)
    return ssl.get_default_verify_paths().cafile or sys.exit("this machine trusts no authority")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
