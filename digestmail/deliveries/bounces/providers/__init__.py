"""Mail providers that tell of bounces and complaints over HTTP: what proves that it is they, and what they say.

What a provider signs is believed: the address in it is that of the reader, and where our envelope sender or Message-ID
stands in it too, it names the delivery.
"""
