# SPDX-License-Identifier: MIT
"""Puts the drawings of docs/diagrams into the pages themselves, so that they take the colours of the page: light, dark, or what
the reader has switched to. On a Git host the same files are plain images, and follow the reader's system."""
import pathlib

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform


class InlineDrawings(SphinxPostTransform):
    default_priority = 5
    formats = ("html",)

    def run(self, **kwargs):
        for image in list(self.document.findall(nodes.image)):
            uri = image["uri"]
            if "diagrams/" not in uri or not uri.endswith(".svg"):
                continue
            svg = pathlib.Path(self.env.srcdir, uri).read_text(encoding="utf-8")
            svg = svg[svg.index("<svg"):]
            image.replace_self(nodes.raw("", f'<div class="diagram">{svg}</div>', format="html"))


def setup(app):
    app.add_post_transform(InlineDrawings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
