# SPDX-License-Identifier: MIT
"""The version, alone: a build reads it without the shared library."""

VERSION = "0.1.0"
