"""The mail itself: an edition is rendered once, cut into pieces, and each reader's message is joined from them.

```
Content ──tidy──> Outline ──template──> Rendering ──pieces──> Composed ──mime──> Message
```
"""
