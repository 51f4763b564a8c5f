"""The mail itself: an edition is rendered once, cut into pieces, and each reader's message is joined from them.

```
            once an edition                       for few choices of topics         for each reader
Content ──tidy, digest, template──> Rendering ──pieces──> Parts ──sections, frame──> Layout ──compose──> Message
```
"""
