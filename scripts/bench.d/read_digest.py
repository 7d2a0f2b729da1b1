"""Prints the digest of an audit document."""

import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    print(json.load(file)["digest"])
