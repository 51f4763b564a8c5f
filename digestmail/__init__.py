"""digestmail: a self-hosted e-mail daily digest. Feeds in, one composed mail a day out."""
